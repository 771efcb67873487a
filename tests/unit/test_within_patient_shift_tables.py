"""Tables put below each other keep their text."""

import pytest

from gutaxis.stats.shift_tables import stack_tables

pytestmark = pytest.mark.unit


def test_rows_follow_each_other_and_comments_stand_once(tmp_path):
    (tmp_path / "a.tsv").write_text("# unit\n# a only\nx\ty\n1\t0.10\n")
    (tmp_path / "b.tsv").write_text("# unit\nx\ty\n")
    (tmp_path / "c.tsv").write_text("# unit\nx\ty\n3\tNA\n")
    stack_tables(paths=[tmp_path / f"{name}.tsv" for name in "abc"], output=tmp_path / "all.tsv")
    assert (tmp_path / "all.tsv").read_text() == "# unit\n# a only\nx\ty\n1\t0.10\n3\tNA\n"


def test_other_columns_are_refused(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n")
    (tmp_path / "b.tsv").write_text("x\tz\n")
    with pytest.raises(ValueError, match=r"b\.tsv: header 'x\\tz'"):
        stack_tables(paths=[tmp_path / "a.tsv", tmp_path / "b.tsv"], output=tmp_path / "all.tsv")
    assert not (tmp_path / "all.tsv").exists()
