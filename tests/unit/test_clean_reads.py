"""KneadData wrapper: chunks, safe names, counts. Running the tools is tested in tests/workflow."""

import gzip

import pytest

from gutaxis.metagenome.kneaddata import chunks, parse_counts

pytestmark = pytest.mark.unit


def write_pair(folder, name, names, *, mates=("/1", "/2")):
    paths = []
    for number, mate in enumerate(mates, start=1):
        text = "".join(f"@{read}{mate}\nACGTAC\n+\nIIIIII\n" for read in names)
        path = folder / f"{name}_R{number}.fastq.gz"
        path.write_bytes(gzip.compress(text.encode()))
        paths.append(str(path))
    return paths


def names_in(files):
    return [[line[1:] for line in path.read_text().splitlines()[::4]] for path in files]


def test_chunks_hold_every_pair_once(tmp_path):
    one, two = write_pair(tmp_path, "a", [f"r{i}" for i in range(7)])
    seen = [names_in(files) for files in chunks(mates_1=[one], mates_2=[two], size=3, folder=tmp_path)]
    assert [len(first) for first, _ in seen] == [3, 3, 1]
    assert [name for first, _ in seen for name in first] == [f"r{i}/1" for i in range(7)]
    assert [name for _, second in seen for name in second] == [f"r{i}/2" for i in range(7)]


def test_chunk_size_equal_to_the_sample(tmp_path):
    one, two = write_pair(tmp_path, "a", ["x", "y"])
    assert len(list(chunks(mates_1=[one], mates_2=[two], size=2, folder=tmp_path))) == 1


@pytest.mark.parametrize(
    ("mates", "first"),
    [((".1", ".2"), "SRR1.5/1"), ((" 1:N:0:AC", " 2:N:0:AC"), "SRR1.5/1"), (("", ""), "SRR1.5/1")],
)
def test_names_that_kneaddata_loses_are_rewritten(tmp_path, mates, first):
    # fastq-dump's `.1` / `.2` mates make KneadData drop every pair without a word
    one, two = write_pair(tmp_path, "a", ["SRR1.5"], mates=mates)
    [files] = [names_in(files) for files in chunks(mates_1=[one], mates_2=[two], size=9, folder=tmp_path)]
    assert files[0] == [first]
    assert files[1] == [first[:-1] + "2"]


def test_lanes_that_repeat_names_stay_apart(tmp_path):
    lane_1, lane_2 = write_pair(tmp_path, "a", ["0", "1"]), write_pair(tmp_path, "b", ["0", "1"])
    arguments = {"mates_1": [lane_1[0], lane_2[0]], "mates_2": [lane_1[1], lane_2[1]]}
    [files] = [names_in(files) for files in chunks(**arguments, size=9, folder=tmp_path)]
    assert files[0] == ["L1:0/1", "L1:1/1", "L2:0/1", "L2:1/1"]


def test_single_end(tmp_path):
    one, _ = write_pair(tmp_path, "a", ["x", "y"], mates=("", ""))
    [files] = [names_in(files) for files in chunks(mates_1=[one], mates_2=[], size=9, folder=tmp_path)]
    assert files == [["x", "y"]]


def test_no_reads_no_chunk(tmp_path):
    one, two = write_pair(tmp_path, "a", [])
    assert list(chunks(mates_1=[one], mates_2=[two], size=9, folder=tmp_path)) == []


LOG = """
I - kneaddata.utilities - INFO: READ COUNT: raw pair1 : Initial number of reads ( /a b/r_1.fastq ): 1000.0
I - kneaddata.utilities - INFO: READ COUNT: raw pair2 : Initial number of reads ( /a b/r_2.fastq ): 1000.0
I - kneaddata.utilities - INFO: READ COUNT: trimmed pair1 : Total reads after trimming ( t.1.fastq ): 990.0
I - kneaddata.utilities - INFO: READ COUNT: trimmed pair2 : Total reads after trimming ( t.2.fastq ): 990.0
I - kneaddata.utilities - INFO: READ COUNT: trimmed orphan1 : Total reads after trimming ( s.1.fastq ): 4.0
I - kneaddata.run - INFO: Total number of sequences with repeats removed from file ( t.1.fastq ): 3
I - kneaddata.run - INFO: Total number of sequences with repeats removed from file ( t.2.fastq ): 2
I - kneaddata.run - INFO: Total contaminate sequences in file ( p_contam_1.fastq ) : 50.0
I - kneaddata.run - INFO: Total contaminate sequences in file ( p_contam_2.fastq ) : 50.0
I - kneaddata.utilities - INFO: READ COUNT: decontaminated host pair1 : Total reads after removing ( c.fastq ): 937.0
I - kneaddata.utilities - INFO: READ COUNT: final pair1 : Total reads after merging ( p_1.fastq ): 937.0
I - kneaddata.utilities - INFO: READ COUNT: final pair2 : Total reads after merging ( p_2.fastq ): 937.0
I - kneaddata.utilities - INFO: READ COUNT: final orphan2 : Total reads after merging ( u_2.fastq ): 5.0
"""


def test_counts_of_a_log():
    assert parse_counts(log=LOG) == {
        "raw": 2000,
        "trimmed": 1980,
        "trimmed_orphans": 4,
        "repeats": 5,
        "host": 100,
        "final": 1874,
        "final_orphans": 5,
    }
