"""Joint profile of the study: each clade's maximum over the samples."""

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome.joint_index import joint_profile

pytestmark = pytest.mark.unit
HEADER = "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n"


def profiles(folder, *texts):
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.tsv")
        paths[-1].write_text(text)
    return paths


def test_largest_share_of_each_clade(tmp_path):
    one = f"#mpa_x\n#SampleID\tA\n{HEADER}UNCLASSIFIED\t-1\t50\t\nk__B|s__A\t1\t40\t\nk__B|s__C\t2\t10\t\n"
    two = f"#mpa_x\n#SampleID\tB\n{HEADER}UNCLASSIFIED\t-1\t5\t\nk__B|s__A\t1\t15\t\nk__B|s__D\t3\t80\t\n"
    lines = joint_profile(profiles=profiles(tmp_path, one, two)).splitlines()
    assert lines[0] == "#mpa_x"
    assert lines[2:] == ["k__B|s__A\t1\t40.0\t", "k__B|s__C\t2\t10.0\t", "k__B|s__D\t3\t80.0\t"]


def test_other_index_is_refused(tmp_path):
    with pytest.raises(GutaxisError, match="different MetaPhlAn indices cannot be joined: #mpa_x, #mpa_y"):
        joint_profile(profiles=profiles(tmp_path, f"#mpa_x\n{HEADER}", f"#mpa_y\n{HEADER}"))
