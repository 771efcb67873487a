"""MetaPhlAn wrapper: what is kept of a profile."""

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome.metaphlan import empty_profile, summarise_profile, without_paths

pytestmark = pytest.mark.unit
INDEX = "mpa_vJun23_CHOCOPhlAnSGB_202403"
PROFILE = f"""#{INDEX}
#/home/me/bin/metaphlan /data/secret/x.fastq --input_type fastq
#1000 reads processed
#SampleID\tS1
#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species
UNCLASSIFIED\t-1\t12.5\t
k__Bacteria\t2\t87.5\t
k__Bacteria|p__P|c__C|o__O|f__F|g__G|s__A\t2\t50.0\t
k__Bacteria|p__P|c__C|o__O|f__F|g__G|s__A|t__SGB1\t2\t50.0\t
k__Bacteria|p__P|c__C|o__O|f__F|g__G|s__B\t2\t37.5\t
"""


def test_no_path_of_the_machine_is_kept():
    kept = without_paths(profile=PROFILE, index=INDEX)
    assert "/home" not in kept
    assert "/data" not in kept
    assert kept.splitlines()[2:] == PROFILE.splitlines()[2:]


def test_other_index_is_refused():
    with pytest.raises(GutaxisError, match="used index mpa_vJun23_CHOCOPhlAnSGB_202403, the config says mpa_vOct22"):
        without_paths(profile=PROFILE, index="mpa_vOct22")


def test_summary():
    assert summarise_profile(sample="S1", profile=PROFILE) == {
        "sample_id": "S1",
        "reads": 1000,
        "species": 2,
        "unclassified_percent": 12.5,
    }


def test_empty_blank_is_all_unclassified():
    summary = summarise_profile(sample="B", profile=empty_profile(sample="B", index=INDEX))
    assert summary == {"sample_id": "B", "reads": 0, "species": 0, "unclassified_percent": 100.0}
