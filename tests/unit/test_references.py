"""Databases: downloads that break, change, lie or fill the disk; archives that are hostile or damaged; reruns."""

import csv
import errno
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome import download, references
from gutaxis.metagenome.archives import unpack
from gutaxis.metagenome.download import fetch, parse_checksum
from gutaxis.metagenome.references import COLUMNS, database_files, fetch_database

pytestmark = pytest.mark.unit

TABLE = Path(__file__).parents[2] / "resources" / "databases.tsv"
CONTENT = bytes(range(256)) * 4096  # 1 MiB: several socket buffers
OTHER = CONTENT[::-1]


class Server:
    """A local HTTP server with files, ETags, ranges, and faults that are used up one request at a time."""

    def __init__(self):
        self.files, self.faults, self.requests = {}, [], []
        self.ranges, self.etags = True, True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                outer.answer(self)

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def url(self, name):
        return f"http://127.0.0.1:{self.httpd.server_port}/{name}"

    def put(self, name, content):
        self.files[name] = content
        return self.url(name)

    def answer(self, handler):
        name, fault = handler.path.lstrip("/"), self.faults.pop(0) if self.faults else None
        record = {"name": name, "range": handler.headers.get("Range"), "if_range": handler.headers.get("If-Range")}
        self.requests.append({**record, "served": 0})
        content = self.files.get(name)
        if content is None or isinstance(fault, int):
            handler.send_error(fault or 404)
            return
        etag, start = f'"{hashlib.md5(content).hexdigest()}"', 0
        if record["range"] and self.ranges and record["if_range"] in (None, etag):
            start = int(record["range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                handler.send_error(416)
                return
        body = content[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(body)))
        if start:
            first = start + 1 if fault == "shifted" else start
            handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if self.etags:
            handler.send_header("ETag", etag)
        handler.end_headers()
        if fault == "break":
            body = body[: len(body) // 2]
        if fault == "stall":
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            self.released.wait(5)
            return
        self.requests[-1]["served"] = len(body)
        handler.wfile.write(body)

    released = threading.Event()

    def stop(self):
        self.released.set()
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    Server.released = threading.Event()
    yield server
    server.stop()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "db.tar"


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def get(url, target, **arguments):
    return fetch(**{"url": url, "mirror": None, "target": target, "wait": 0.001, "timeout": 5, **arguments})


def problems(error):
    return [problem.code for problem in error.value.problems]


def leftovers(target):
    return sorted(path.name for path in target.parent.iterdir() if path != target)


# Download -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "md5", None])
def test_plain_download(server, target, algorithm):
    checksum = algorithm and f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    result = get(server.put("db", CONTENT), target, checksum=checksum, size=len(CONTENT))
    assert target.read_bytes() == CONTENT and leftovers(target) == []
    assert f"sha256:{result.sha256}" == sha256(CONTENT) and result.size == len(CONTENT)
    assert len(server.requests) == 1


def test_interrupted_download_is_resumed(server, target):
    server.faults = ["break"]
    get(server.put("db", CONTENT), target, size=len(CONTENT), checksum=sha256(CONTENT))
    first, second = server.requests
    assert target.read_bytes() == CONTENT
    assert second["range"] == f"bytes={len(CONTENT) // 2}-" and second["if_range"]
    assert first["served"] + second["served"] == len(CONTENT)


def test_resume_across_runs(server, target):
    url = server.put("db", CONTENT)
    server.faults = ["break", 503]
    with pytest.raises(GutaxisError) as error:
        get(url, target, attempts=1)
    assert problems(error) == ["D03"] and not target.exists()
    assert str(len(CONTENT) // 2) in str(error.value) and str(target) in str(error.value)
    server.faults = []
    get(url, target)
    assert target.read_bytes() == CONTENT
    assert server.requests[-1]["served"] == len(CONTENT) // 2


def test_stalled_transfer_is_resumed(server, target):
    server.faults = ["stall"]
    get(server.put("db", CONTENT), target, timeout=0.3)
    assert target.read_bytes() == CONTENT
    assert server.requests[1]["range"]


def test_progress_renews_the_attempts(server, target):
    server.faults = ["break"] * 6
    get(server.put("db", CONTENT), target, attempts=2)
    assert target.read_bytes() == CONTENT and len(server.requests) == 7


def test_server_that_ignores_ranges(server, target):
    server.ranges, server.faults = False, ["break"]
    get(server.put("db", CONTENT), target, checksum=sha256(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.requests[1]["range"] and server.requests[1]["served"] == len(CONTENT)


def test_without_validator_and_checksum_nothing_is_glued(server, target):
    server.etags, server.faults = False, ["break"]
    get(server.put("db", CONTENT), target)
    assert target.read_bytes() == CONTENT and server.requests[1]["range"] is None


def test_file_that_changed_between_the_parts_starts_over(server, target):
    url = server.put("db", CONTENT)
    server.faults = ["break", 503]
    with pytest.raises(GutaxisError):
        get(url, target, attempts=1)
    server.put("db", OTHER)
    get(url, target)
    assert target.read_bytes() == OTHER
    assert server.requests[-1]["range"] and server.requests[-1]["served"] == len(OTHER)


def test_parts_of_two_editions_are_caught_by_the_checksum(server, target):
    """No ETag: the range is asked for on the strength of the checksum, fails it, and one clean download follows."""
    url = server.put("db", CONTENT)
    server.etags, server.faults = False, ["break", 503]
    with pytest.raises(GutaxisError):
        get(url, target, attempts=1, checksum=sha256(OTHER))
    server.put("db", OTHER)
    get(url, target, checksum=sha256(OTHER))
    assert target.read_bytes() == OTHER
    assert [bool(request["range"]) for request in server.requests[-2:]] == [True, False]


def test_shifted_range_is_not_trusted(server, target):
    server.faults = ["break", "shifted"]
    get(server.put("db", CONTENT), target, checksum=sha256(CONTENT))
    assert target.read_bytes() == CONTENT and server.requests[-1]["range"] is None


def test_part_longer_than_the_file(server, target):
    url = server.put("db", CONTENT)
    target.parent.mkdir()
    target.with_name("db.tar.part").write_bytes(CONTENT + b"more")
    get(url, target, checksum=sha256(CONTENT))
    assert target.read_bytes() == CONTENT


def test_whole_part_needs_no_network(target):
    target.parent.mkdir()
    target.with_name("db.tar.part").write_bytes(CONTENT)
    get("http://127.0.0.1:9/db", target, checksum=sha256(CONTENT), size=len(CONTENT))
    assert target.read_bytes() == CONTENT and leftovers(target) == []


def test_truncated_for_good(server, target):
    server.faults = ["break", 500, 500, 500]
    with pytest.raises(GutaxisError, match="cannot be fetched") as error:
        get(server.put("db", CONTENT), target, attempts=3)
    assert problems(error) == ["D03"] and not target.exists()


def test_wrong_checksum_is_refused_and_the_part_not_trusted(server, target):
    with pytest.raises(GutaxisError) as error:
        get(server.put("db", CONTENT), target, checksum=sha256(OTHER))
    assert problems(error) == ["D05"]
    assert sha256(CONTENT)[7:] in str(error.value) and sha256(OTHER)[7:] in str(error.value)
    assert not target.exists() and leftovers(target) == []


def test_wrong_size_is_refused_before_the_download(server, target):
    with pytest.raises(GutaxisError) as error:
        get(server.put("db", CONTENT), target, size=5)
    assert problems(error) == ["D04"]
    assert f"{len(CONTENT)} bytes" in str(error.value) and "Expected are 5" in str(error.value)
    assert not target.exists() and leftovers(target) == []


@pytest.mark.parametrize("fault", [404, 403, 503, "wrong"])
def test_mirror_is_used_when_the_first_address_fails(server, target, fault):
    url, mirror = server.put("db", OTHER if fault == "wrong" else CONTENT), server.put("mirror", CONTENT)
    server.faults = [fault] * (2 if fault == 503 else 1)
    result = get(url, target, mirror=mirror, attempts=2, checksum=sha256(CONTENT))
    assert target.read_bytes() == CONTENT and result.address == mirror
    assert len([request for request in server.requests if request["name"] == "db"]) == (2 if fault == 503 else 1)


def test_mirror_continues_what_the_first_address_gave_if_a_checksum_will_tell(server, target):
    server.faults = ["break", 404]
    get(server.put("db", CONTENT), target, mirror=server.put("mirror", CONTENT), checksum=sha256(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.requests[-1]["name"] == "mirror" and server.requests[-1]["served"] == len(CONTENT) // 2


def test_both_addresses_fail_and_both_are_told(server, target):
    with pytest.raises(GutaxisError) as error:
        get(server.url("gone"), target, mirror=server.put("mirror", OTHER), checksum=sha256(CONTENT))
    assert sorted(problems(error)) == ["D03", "D05"]
    assert "404" in str(error.value) and server.url("mirror") in str(error.value)


def test_unreachable_server(target):
    with pytest.raises(GutaxisError, match="refused") as error:
        get("http://127.0.0.1:9/db", target, attempts=1)
    assert problems(error) == ["D03"]


def test_file_brought_by_hand_is_verified(target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    assert get("http://127.0.0.1:9/db", target, checksum=sha256(CONTENT)).address is None
    with pytest.raises(GutaxisError, match="Remove") as error:
        get("http://127.0.0.1:9/db", target, checksum=sha256(OTHER))
    assert problems(error) == ["D05"] and target.exists()


def free(monkeypatch, amount):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, amount))


def test_disk_without_space_is_told_before_the_download(server, target, monkeypatch):
    free(monkeypatch, 2 * len(CONTENT))
    with pytest.raises(GutaxisError, match=r"needs 0\.0 GB .* are free") as error:
        get(server.put("db", CONTENT), target, unpack_factor=2.0)
    assert problems(error) == ["D02"] and leftovers(target) == []
    free(monkeypatch, 3 * len(CONTENT))
    get(server.put("db", CONTENT), target, unpack_factor=2.0)


def test_disk_that_fills_up_keeps_the_part(server, target, monkeypatch):
    real = download._Transfer._write

    def full(self, *, response, start, total):
        real(self, response=Half(response), start=start, total=total)

    class Half:
        def __init__(self, response):
            self.response, self.calls = response, 0

        def read1(self, size):
            self.calls += 1
            if self.calls > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.response.read(1000)

    monkeypatch.setattr(download._Transfer, "_write", full)
    with pytest.raises(GutaxisError, match="is full") as error:
        get(server.put("db", CONTENT), target)
    assert problems(error) == ["D02"]
    monkeypatch.undo()
    get(server.url("db"), target)
    assert target.read_bytes() == CONTENT and server.requests[-1]["range"] == "bytes=1000-"


@pytest.mark.parametrize("bad", ["abc", "sha256:abc", "sha1:" + "0" * 40, "md5:" + "g" * 32, ":", "md5:"])
def test_checksums_that_are_none(bad):
    with pytest.raises(GutaxisError, match="is not a checksum"):
        parse_checksum(bad)


# Archives -----------------------------------------------------------------------------------------------------------


def archive(path, members, mode="w"):
    """Write a tar of name -> bytes (file), None (folder) or a TarInfo."""
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.bz2", "w:bz2")])
def test_unpack(tmp_path, name, mode):
    path = archive(tmp_path / name, {"x.dmnd": b"abc", "sub/y": b"de"}, mode)
    assert unpack(archives=[path], folder=tmp_path / "db") == {"sub/y": 2, "x.dmnd": 3}
    assert (tmp_path / "db" / "sub" / "y").read_bytes() == b"de"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name, "db"]


def test_single_top_folder_moves_up(tmp_path):
    path = archive(tmp_path / "a.tar", {"top": None, "top/x.1.bt2": b"a", "top/x.2.bt2": b"b"})
    assert list(unpack(archives=[path], folder=tmp_path / "db")) == ["x.1.bt2", "x.2.bt2"]


def test_several_archives_and_plain_files(tmp_path):
    first, second = archive(tmp_path / "a.tar", {"x": b"1"}), archive(tmp_path / "b.tar", {"y": b"2", "x": b"1"})
    (tmp_path / "z.txt").write_text("z")
    assert list(unpack(archives=[first, second, tmp_path / "z.txt"], folder=tmp_path / "db")) == ["x", "y", "z.txt"]
    clash = archive(tmp_path / "c.tar", {"x": b"other"})
    with pytest.raises(GutaxisError, match="Two archives bring different files called x"):
        unpack(archives=[first, clash], folder=tmp_path / "db2")


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize(
    "members",
    [
        {"ok": b"1", "../evil": b"2"},
        {"ok": b"1", "/evil": b"2"},
        {"ok": b"1", "sub/../../evil": b"2"},
        {"out": link("out", ".."), "out/evil": b"2"},
        {"ok": link("ok", "/etc/passwd")},
    ],
)
def test_hostile_archives_leave_nothing(tmp_path, members):
    path = archive(tmp_path / "a.tar", members)
    with pytest.raises(GutaxisError, match="D07"):
        unpack(archives=[path], folder=tmp_path / "in" / "db")
    assert not (tmp_path / "in" / "evil").exists() and not (tmp_path / "evil").exists()
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize("cut", [10, 600, 5000])
def test_damaged_archive_leaves_nothing(tmp_path, cut):
    path = archive(
        tmp_path / "a.tar.gz", {f"f{n}": hashlib.sha512(bytes([n])).digest() * 20 for n in range(200)}, "w:gz"
    )
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(GutaxisError, match=r"D07 a\.tar\.gz: The archive cannot be read"):
        unpack(archives=[path], folder=tmp_path / "db")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar.gz"]


def test_killed_unpacking_is_cleared(tmp_path):
    (tmp_path / ".db.unpacking").mkdir()
    (tmp_path / ".db.unpacking" / "stale").touch()
    assert list(unpack(archives=[archive(tmp_path / "a.tar", {"x": b"1"})], folder=tmp_path / "db")) == ["x"]


def test_disk_full_while_unpacking(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(GutaxisError, match=r"D02 .* The disk filled up"):
        unpack(archives=[archive(tmp_path / "a.tar", {"x": b"1"})], folder=tmp_path / "db")
    assert not (tmp_path / "db").exists()


def test_an_existing_folder_is_never_touched(tmp_path):
    (tmp_path / "db").mkdir()
    with pytest.raises(GutaxisError, match="exists already"):
        unpack(archives=[archive(tmp_path / "a.tar", {"x": b"1"})], folder=tmp_path / "db")


# Whole databases ----------------------------------------------------------------------------------------------------


class House:
    """A server, a table and a folder: what fetch_database works with."""

    def __init__(self, server, tmp_path):
        self.server, self.tmp_path, self.folder = server, tmp_path, tmp_path / "databases" / "utility"
        self.rows = []

    def add(self, file="map.tar.gz", members=None, name="utility", **values):
        path = archive(self.tmp_path / file, members or {"map.txt": b"1"}, "w:gz" if file.endswith("gz") else "w")
        content = path.read_bytes()
        url = self.server.put(file, content)
        unpacking = "tar.gz" if file.endswith("gz") else "tar"
        row = {"name": name, "version": "v1", "file": file, "url": url, "unpack": unpacking, **values}
        self.rows.append({**dict.fromkeys(COLUMNS, "NA"), **row})
        return content

    def write_table(self):
        table = self.tmp_path / "databases.tsv"
        lines = [COLUMNS, *([row[column] for column in COLUMNS] for row in self.rows)]
        table.write_text("".join("\t".join(line) + "\n" for line in lines))
        return table

    def fetch(self, name="utility", table=None):
        table = table or self.write_table()
        path = fetch_database(name=name, table=table, folder=self.folder, attempts=1, wait=0.001, timeout=5)
        return json.loads(path.read_text())

    def forget(self):
        """What the workflow engine does before it repeats a job: remove the declared outputs."""
        (self.folder / "database.json").unlink()
        (self.folder / "files").unlink()


@pytest.fixture
def house(server, tmp_path):
    return House(server, tmp_path)


def test_fetch_database_ends_in_a_record(house):
    content = house.add()
    record = house.fetch()
    [entry] = record["files"]
    assert (record["name"], record["version"], record["n_files"], record["bytes"]) == ("utility", "v1", 1, 1)
    assert f"sha256:{entry['sha256']}" == sha256(content)
    assert (house.folder / "files" / "map.txt").read_bytes() == b"1"
    assert sorted(entry.name for entry in (house.folder / "files").iterdir()) == ["map.txt"]
    assert list((house.folder / "downloads").iterdir()) == []
    assert str(house.tmp_path) not in (house.folder / "database.json").read_text()


def test_a_rerun_downloads_nothing(house):
    house.add()
    first = house.fetch()
    house.forget()
    assert house.fetch() == first and house.fetch() == first
    assert len(house.server.requests) == 1


def test_new_address_or_later_checksum_is_no_new_database(house):
    content = house.add()
    house.fetch()
    house.rows[0].update(url="http://127.0.0.1:9/moved", checksum=sha256(content), size=str(len(content)))
    house.fetch()
    assert len(house.server.requests) == 1


def test_new_version_is_fetched_beside_the_old(house):
    house.add()
    house.fetch()
    house.rows[0]["version"] = "v2"
    assert house.fetch()["version"] == "v2"
    assert (house.folder / "files").resolve().name == "v2" and (house.folder / "store" / "v1").is_dir()


def test_first_download_without_checksum_says_so_and_is_locked(house, capsys):
    content = house.add()
    [entry] = house.fetch()["files"]
    assert entry["verified"] == "first_download" and "NOT VERIFIABLE" in entry["meaning"]
    assert "NOT VERIFIABLE" in capsys.readouterr().out
    assert (house.folder / "CHECKSUMS.sha256").read_text() == f"{sha256(content)[7:]}  map.tar.gz\n"


def test_later_download_must_equal_the_first(house):
    content = house.add()
    house.fetch()
    shutil.rmtree(house.folder / "store")
    [entry] = house.fetch()["files"]
    assert entry["verified"] == "lock"
    shutil.rmtree(house.folder / "store")
    house.server.put("map.tar.gz", content + b"changed")
    with pytest.raises(GutaxisError) as error:
        house.fetch()
    assert sorted(problems(error)) == ["D05", "D08"] and "CHECKSUMS.sha256" in str(error.value)


@pytest.mark.parametrize(
    "text", ["{md5}  map.tar.gz\n", "{md5}", "0{md5}  other\n{md5} *folder/map.tar.gz\n", "{sha256}\n"]
)
def test_publishers_checksum_file(house, text):
    content = house.add()
    digests = {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha256")}
    house.rows[0]["checksum_url"] = house.server.put("sums", text.format(**digests).encode())
    assert house.fetch()["files"][0]["verified"] == "publisher"


def test_publishers_checksum_does_not_fit(house):
    house.add()
    house.rows[0]["checksum_url"] = house.server.put("sums", b"0" * 32 + b"  map.tar.gz")
    with pytest.raises(GutaxisError) as error:
        house.fetch()
    assert problems(error) == ["D05"]


@pytest.mark.parametrize("content", [None, b"", b"<html>not found</html>"])
def test_publishers_checksum_file_that_cannot_be_used_stops(house, content):
    house.add()
    house.rows[0]["checksum_url"] = house.server.url("sums") if content is None else house.server.put("sums", content)
    with pytest.raises(GutaxisError) as error:
        house.fetch()
    assert problems(error) == ["D06"] and not (house.folder / "files").exists()


def test_checksum_of_the_table_comes_first(house):
    content = house.add()
    house.rows[0].update(checksum=sha256(content), checksum_url="http://127.0.0.1:9/sums")
    assert house.fetch()["files"][0]["verified"] == "table"


def test_archive_brought_by_hand_is_used_and_kept(house):
    content = house.add()
    house.rows[0].update(url="http://127.0.0.1:9/db", checksum=sha256(content))
    (house.folder / "downloads").mkdir(parents=True)
    (house.folder / "downloads" / "map.tar.gz").write_bytes(content)
    assert house.fetch()["n_files"] == 1
    assert (house.folder / "downloads" / "map.tar.gz").exists() and house.server.requests == []


def test_damaged_store_is_told_not_used(house):
    house.add(members={"a": b"1", "b": b"22"})
    house.fetch()
    (house.folder / "store" / "v1" / "b").write_bytes(b"2")
    house.forget()
    with pytest.raises(GutaxisError, match="files are missing, changed") as error:
        house.fetch()
    assert problems(error) == ["D09"] and not (house.folder / "database.json").exists()


def test_unpacking_killed_before_the_record(house):
    house.add()
    (house.folder / "store" / ".v1.unpacking").mkdir(parents=True)
    assert house.fetch()["n_files"] == 1


def test_empty_output_folder_made_by_the_workflow_engine(house):
    house.add()
    (house.folder / "files").mkdir(parents=True)
    house.fetch()
    assert (house.folder / "files").is_symlink()


def test_content_that_the_tools_would_refuse(house):
    index = {f"hg.{part}.bt2": b"x" for part in ("1", "2", "3", "4", "rev.1")}
    house.add(file="host.tar", members=index, name="host")
    with pytest.raises(GutaxisError, match=r"hg\.rev\.2\.bt2") as error:
        house.fetch(name="host")
    assert problems(error) == ["D27"] and not (house.folder / "database.json").exists()


def test_two_archives_make_one_metaphlan_folder(house):
    index = "mpa_vJun23_CHOCOPhlAnSGB_202403"
    house.add(file=f"{index}.tar", members={f"{index}.pkl": b"p"}, name="metaphlan", version=index)
    parts = {f"{index}.{part}.bt2l": b"x" for part in ("1", "2", "3", "4", "rev.1", "rev.2")}
    house.add(file=f"{index}_bt2.tar", members=parts, name="metaphlan", version=index)
    assert house.fetch(name="metaphlan")["n_files"] == 7


def test_two_runs_at_once_fetch_once(house):
    house.add()
    table, results, errors = house.write_table(), [], []

    def run():
        try:
            results.append(house.fetch(table=table))
        except GutaxisError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len(results) == 3 and all(result == results[0] for result in results)
    assert len(house.server.requests) == 1


# The table ----------------------------------------------------------------------------------------------------------


def test_table_of_production_databases():
    names = {
        row: database_files(name=row, table=TABLE) for row in ("host", "metaphlan", "nucleotide", "protein", "utility")
    }
    assert {name: len(files) for name, files in names.items()} == {
        "host": 1,
        "metaphlan": 2,
        "nucleotide": 1,
        "protein": 1,
        "utility": 1,
    }
    for files in names.values():
        for file in files:
            assert file.url.endswith(f"/{file.file}") and (file.mirror is None or file.mirror.endswith(f"/{file.file}"))
            assert file.file.endswith(f".{file.unpack}")


def test_unknown_database():
    with pytest.raises(GutaxisError, match="Known are host, metaphlan, nucleotide, protein, utility"):
        database_files(name="kraken", table=TABLE)


@pytest.mark.parametrize(
    "change", [{"unpack": "zip"}, {"size": "many"}, {"url": "ftp://host/x"}, {"url": "NA"}, {"checksum": "md5:1"}]
)
def test_rows_that_cannot_be_used(house, change):
    house.add()
    house.rows[0].update(change)
    with pytest.raises(GutaxisError):
        house.fetch()


def test_files_of_one_database_share_a_version(house):
    house.add()
    house.add(file="second.tar", version="v2")
    with pytest.raises(GutaxisError, match="differ in version"):
        house.fetch()


def test_table_without_a_column(tmp_path):
    (tmp_path / "databases.tsv").write_text("name\tversion\nhost\t1\n")
    with pytest.raises(GutaxisError, match="Columns are missing: file, url"):
        database_files(name="host", table=tmp_path / "databases.tsv")


def test_readme_tells_of_every_database():
    readme = (TABLE.parent / "README.md").read_text()
    with open(TABLE, encoding="utf-8") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            assert f"| `{row['name']}` |" in readme and row["version"] in readme
    assert references.VERIFIED.keys() <= set(readme.replace("`", " ").split())
