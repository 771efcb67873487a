"""HUMAnN wrapper: tables that depend on their content only, yields from the log."""

import pytest

from gutaxis.metagenome.humann import normalise_table, summarise_log

pytestmark = pytest.mark.unit
HEAD = "# Pathway\tS1_Abundance\n"


def test_order_and_sign_of_zero_rows_do_not_matter():
    one = HEAD + "UNMAPPED\t5.0\nB: b\t2.5\nUNINTEGRATED\t-0.0\nA: a|g__X\t-0\nA: a\t1.0000000000\n"
    two = HEAD + "A: a\t1.0000000000\nA: a|g__X\t0.0\nUNINTEGRATED\t0.0\nB: b\t2.5000000000\nUNMAPPED\t5\n"
    assert normalise_table(table=one) == normalise_table(table=two)


def test_rows_of_the_community_stay_at_zero_strata_do_not():
    table = normalise_table(table=HEAD + "UNINTEGRATED\t-0.0\nA|unclassified\t0\nA\t3\n")
    assert table == HEAD + "A\t3\nUNINTEGRATED\t0\n"


def test_yields():
    log = (
        "x Unaligned reads after nucleotide alignment: 69.1829327821 %\n"
        "y Unaligned reads after translated alignment: 63.5 %\n"
    )
    families = "# Gene Family\tS\nUNMAPPED\t9\nUniRef90_A\t1\nUniRef90_A|g__X.s__Y\t1\nUniRef90_B\t2\n"
    pathways = HEAD + "UNMAPPED\t1\nUNINTEGRATED\t1\nUNINTEGRATED|g__X\t1\nP1: x\t3\nP1: x|g__X\t3\n"
    assert summarise_log(sample="S", log=log, families=families, pathways=pathways) == {
        "sample_id": "S",
        "unaligned_nucleotide_percent": 69.1829327821,
        "unaligned_translated_percent": 63.5,
        "gene_families": 2,
        "pathways": 1,
    }
