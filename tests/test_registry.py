"""Data sets come from a server, a folder or an archive whole, or not at all."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from course_utils import registry, transfer
from course_utils.acquire import fill
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File, Pictures

ONE = bytes(range(256)) * 3000  # larger than one chunk of a download
TWO = b"labels" * 100
PARTS = {"pack/a": b"first" * 50, "pack/b": b"second" * 50}


class Server(BaseHTTPRequestHandler):
    """The first folder of the path says how it behaves: /cut/one.bin sends half and closes."""

    released = threading.Event()

    def do_GET(self) -> None:
        _, behaviour, name = self.path.split("/")
        content = {"one.bin": ONE, "two.bin": TWO}[name]
        if behaviour == "absent":
            self.send_error(404)
            return
        if behaviour == "silent":
            self.released.wait(20)
            self.close_connection = True
            return
        body = {"short": content[: len(content) // 2], "wrong": content[::-1]}.get(behaviour, content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour in ("cut", "stall"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if behaviour == "stall":
                self.released.wait(20)
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    Server.released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    Server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


def known(name: str, content: bytes, unpacked: tuple[File, ...] = ()) -> File:
    return File(name, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}", unpacked)


def make_entry(*mirrors: str) -> Entry:
    files = (known("one.bin", ONE), known("two.bin", TWO))
    return Entry("small", "Small", "two files", "CC0", "nobody", mirrors=mirrors, files=files)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---- download ----


def test_a_right_download_is_placed_once(address: str, tmp_path: Path) -> None:
    entry, folder = make_entry(address + "right/"), tmp_path / "small"
    fill(entry, folder)
    assert everything(folder) == ["one.bin", "two.bin"]
    assert (folder / "one.bin").read_bytes() == ONE
    assert (folder / "one.bin").stat().st_mode & 0o044 == 0o044 or os.name == "nt"
    before = (folder / "one.bin").stat().st_mtime_ns
    fill(make_entry("http://127.0.0.1:9/"), folder)  # whole: nothing is asked of the network
    assert (folder / "one.bin").stat().st_mtime_ns == before


def test_only_what_is_damaged_comes_again(address: str, tmp_path: Path) -> None:
    entry, folder = make_entry(address + "right/"), tmp_path / "small"
    fill(entry, folder)
    kept = (folder / "two.bin").stat().st_mtime_ns
    (folder / "one.bin").write_bytes(ONE[:-1] + b"?")
    fill(entry, folder)
    assert (folder / "one.bin").read_bytes() == ONE
    assert (folder / "two.bin").stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("absent", "answered 404"),
        ("short", "wrong checksum"),
        ("wrong", "wrong checksum"),
        ("cut", "broke off half way"),
        ("silent", "did not answer within 0.6 s"),
        ("stall", "did not answer within 0.6 s"),
    ],
)
def test_a_bad_download_leaves_nothing(address: str, tmp_path: Path, behaviour: str, says: str) -> None:
    entry, folder = make_entry(address + behaviour + "/"), tmp_path / "small"
    with pytest.raises(CourseError, match=f"one.bin could not be downloaded: 127.*{says}.*--from PATH") as raised:
        fill(entry, folder, timeout=0.6)
    assert "\n" not in str(raised.value)
    assert not folder.exists()
    fill(make_entry(address + behaviour + "/", address + "right/"), folder, timeout=0.6)  # the mirror has it
    assert everything(folder) == ["one.bin", "two.bin"]


def test_without_a_network_one_sentence_names_every_address(tmp_path: Path) -> None:
    entry = make_entry("http://127.0.0.1:9/a/", "http://localhost:9/b/")
    with pytest.raises(
        CourseError, match=r"127\.0\.0\.1:9 cannot be reached; localhost:9 cannot be reached: check the network"
    ):
        fill(entry, tmp_path / "small", timeout=2)
    assert everything(tmp_path) == []


def test_a_damaged_file_stays_until_a_whole_one_replaces_it(address: str, tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(b"damaged")
    with pytest.raises(CourseError):
        fill(make_entry(address + "cut/"), tmp_path, timeout=0.6)
    assert everything(tmp_path) == ["one.bin"]
    assert (tmp_path / "one.bin").read_bytes() == b"damaged"


def test_a_killed_download_is_not_taken_for_whole(address: str, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    code = (
        "import sys, pathlib; from course_utils.transfer import download, staging\n"
        "with staging(pathlib.Path(sys.argv[1])) as scratch:\n"
        "    download([sys.argv[2]], scratch / 'one.bin', 'md5:0', 1, timeout=20)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), address + "stall/one.bin"])
    try:
        for _ in range(2000):
            if any(path.stat().st_size for path in folder.glob(".incoming-*/*")):
                break
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        process.wait()
    entry = make_entry(address + "right/")
    assert [finding.problem for finding in entry.inspect(folder)] == ["is missing", "is missing"]
    fill(entry, folder)
    assert not any(finding.problem for finding in entry.inspect(folder))


# ---- the disk ----


class Full(io.FileIO):
    """A file on a disk that is full after 1,000 bytes."""

    def write(self, content: object) -> int:
        if self.tell() >= 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(content[:1000])  # type: ignore[index]


@pytest.mark.parametrize("way", ["download", "copy"])
def test_a_full_disk(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "one.bin").write_bytes(ONE)
    whole = Path.open

    def full(path: Path, mode: str = "r", **rest: object) -> object:
        return Full(str(path), "wb") if mode == "wb" else whole(path, mode, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    monkeypatch.setattr(transfer, "CHUNK", 1000)
    source = tmp_path / "stick" if way == "copy" else None
    with pytest.raises(CourseError, match=r"no space is left for .*small: make room, or .*COURSE_DATA_DIR"):
        fill(make_entry(address + "right/"), tmp_path / "small", source)
    assert everything(tmp_path) == ["stick/one.bin"]


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.EROFS, "cannot be written"), (errno.EACCES, "cannot be written"), (errno.EIO, "try again")],
)
def test_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(transfer.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(CourseError, match=f"small .*{says}.*COURSE_DATA_DIR"):
        fill(make_entry("http://127.0.0.1:9/"), tmp_path / "small")
    assert everything(tmp_path) == []


def test_a_file_in_the_folders_place(tmp_path: Path) -> None:
    (tmp_path / "small").write_text("in the way")
    with pytest.raises(CourseError, match="small is a file and should be a folder: move it away"):
        fill(make_entry("http://127.0.0.1:9/"), tmp_path / "small")
    with pytest.raises(CourseError, match="cannot be a folder, because a file is in its place"):
        fill(make_entry("http://127.0.0.1:9/"), tmp_path / "small" / "below")


def test_a_folder_in_the_files_place(address: str, tmp_path: Path) -> None:
    (tmp_path / "one.bin").mkdir()
    entry = make_entry(address + "right/")
    assert entry.inspect(tmp_path)[0].problem == "is a folder and should be a file"
    with pytest.raises(CourseError, match=r"one.bin is a folder and should be a file: move it away"):
        fill(entry, tmp_path)


def test_an_unreadable_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.bin").write_bytes(TWO)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert make_entry().files[1].problem(tmp_path / "two.bin") == "cannot be read (Permission denied)"


# ---- --from ----


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_from_folder_zip_and_tar(tmp_path: Path) -> None:
    files = {"deep/er/one.bin": ONE, "two.bin": TWO, "other.txt": b"else"}
    sources = [
        write(tmp_path / "stick", files),
        zipped(tmp_path / "stick.zip", files),
        tarred(tmp_path / "stick.tar.gz", files),
        tarred(tmp_path / "stick.tar", files),
    ]
    for number, source in enumerate(sources):
        folder = tmp_path / f"small{number}"
        fill(make_entry(), folder, source)
        assert everything(folder) == ["one.bin", "two.bin"]
        assert (folder / "one.bin").read_bytes() == ONE


def test_from_single_files_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, {"one.bin": ONE, "two.bin": TWO})
    with pytest.raises(CourseError, match=r"one.bin does not give all of small: two.bin is missing"):
        fill(make_entry(), tmp_path / "small", tmp_path / "one.bin")
    fill(make_entry(), tmp_path / "small", tmp_path / "two.bin")
    assert everything(tmp_path / "small") == ["one.bin", "two.bin"]


def test_the_file_with_the_right_bytes_is_taken_where_names_repeat(tmp_path: Path) -> None:
    source = write(tmp_path / "stick", {"a/one.bin": ONE[::-1], "b/one.bin": ONE, "c/one.bin": b"", "two.bin": TWO})
    fill(make_entry(), tmp_path / "small", source)
    assert (tmp_path / "small" / "one.bin").read_bytes() == ONE


@pytest.mark.parametrize("bad", [ONE[:-1], ONE + b"more", ONE[::-1], b""])
def test_from_damaged_files_takes_only_the_whole_ones(tmp_path: Path, bad: bytes) -> None:
    source = write(tmp_path / "stick", {"one.bin": bad, "two.bin": TWO})
    with pytest.raises(CourseError, match=r"stick/one.bin is cut off, damaged or another file") as raised:
        fill(make_entry(), tmp_path / "small", source)
    assert "\n" not in str(raised.value)
    assert everything(tmp_path / "small") == ["two.bin"]


def test_names_that_climb_out_of_an_archive_cannot(tmp_path: Path) -> None:
    bad = {"../../one.bin": ONE, "/two.bin": TWO, "../evil.txt": b"evil"}
    for source in (zipped(tmp_path / "bad.zip", bad), tarred(tmp_path / "bad.tar", bad)):
        folder = tmp_path / "deep" / "er" / source.suffix
        fill(make_entry(), folder, source)
        assert everything(folder) == ["one.bin", "two.bin"]
    assert not list(tmp_path.rglob("evil.txt"))
    assert not (tmp_path / "one.bin").exists()
    assert not (tmp_path / "deep" / "one.bin").exists()


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    link = tarfile.TarInfo("one.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        archive.addfile(link)
    with pytest.raises(CourseError, match=r"one.bin is missing"):
        fill(make_entry(), tmp_path / "small", tmp_path / "links.tar")


@pytest.mark.parametrize("name", ["stick.zip", "stick.tar.gz", "stick.tar"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_truncated_archive_is_refused(tmp_path: Path, name: str, share: float) -> None:
    files = {"two.bin": TWO, "one.bin": os.urandom(100_000) + ONE}
    source = (zipped if name.endswith("zip") else tarred)(tmp_path / name, files)
    source.write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
    with pytest.raises(CourseError, match=r"cannot be read|does not give all") as raised:
        fill(make_entry(), tmp_path / "small", source)
    assert "\n" not in str(raised.value)
    assert "small/one.bin" not in everything(tmp_path)


def test_a_zip_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    source = zipped(tmp_path / "stick.zip", {"two.bin": TWO, "one.bin": os.urandom(5000)})
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 1
    source.write_bytes(content)
    with pytest.raises(CourseError, match=r"one.bin cannot be read \(Bad CRC-32"):
        fill(make_entry(), tmp_path / "small", source)
    assert not (tmp_path / "small").exists()


def test_a_source_that_is_missing_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="nowhere does not exist: name the folder"):
        fill(make_entry(), tmp_path / "small", tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(CourseError, match=r"one.bin is missing; two.bin is missing"):
        fill(make_entry(), tmp_path / "small", tmp_path / "notes.txt")
    assert not (tmp_path / "small").exists()


def packed_entry() -> Entry:
    parts = tuple(known(name, content) for name, content in PARTS.items())
    return Entry("packed", "Packed", "a tar", "CC0", "nobody", files=(known("pack.tar.gz", ONE, parts),))


def test_unpacked_files_stand_for_the_archive(tmp_path: Path) -> None:
    entry, source = packed_entry(), write(tmp_path / "stick", {Path(name).name: PARTS[name] for name in PARTS})
    write(tmp_path / "set", {"pack.tar.gz": b"damaged"})
    fill(entry, tmp_path / "set", source)
    assert everything(tmp_path / "set") == ["pack/a", "pack/b"]
    assert [finding.name for finding in entry.inspect(tmp_path / "set")] == ["pack/a", "pack/b"]
    (tmp_path / "set/pack/b").unlink()
    assert [finding.problem for finding in entry.inspect(tmp_path / "set")] == ["", "is missing"]
    fill(entry, tmp_path / "set", write(tmp_path / "stick2", {"pack.tar.gz": ONE}))
    assert [finding.name for finding in entry.inspect(tmp_path / "set")] == ["pack.tar.gz"]


def test_half_of_what_an_archive_unpacks_to_is_not_placed(tmp_path: Path) -> None:
    source = write(tmp_path / "stick", {"pack/a": PARTS["pack/a"]})
    with pytest.raises(CourseError, match="pack/b is missing"):
        fill(packed_entry(), tmp_path / "set", source)
    assert not (tmp_path / "set").exists()


# ---- pictures without fixed bytes ----

JPEG = b"\xff\xd8 a picture \xff\xd9"


def picture_entry() -> Entry:
    rows = (
        Pictures("Training", "P????.jpg", 3),
        Pictures("Training", "N????.jpg", 2),
        Pictures("Valid", "V????.jpg", 2),
    )
    return Entry("pics", "Pics", "7", "asked", "nobody", pictures=rows, tables=("labels.csv",), request="ask Fang")


def picture_files(*names: str) -> dict[str, bytes]:
    return dict.fromkeys(names, JPEG)


TRAINING = picture_files(*(f"Training/{name}.jpg" for name in ("P0001", "P0002", "P0003", "N0001", "N0002")))
VALID = picture_files("Valid/V0001.jpg", "Valid/V0002.jpg")


def test_a_set_without_address_says_where_to_ask(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="Pics cannot be downloaded: ask Fang, then run `course data get pics --from"):
        fill(picture_entry(), tmp_path / "pics")
    assert not (tmp_path / "pics").exists()


def test_pictures_from_zips_within_a_zip(tmp_path: Path) -> None:
    mac = {"__MACOSX/Training/._P0001.jpg": b"resource"}
    inner = zipped(tmp_path / "PALM-Training.zip", {f"x/{name}": JPEG for name in TRAINING} | mac)
    outer = zipped(tmp_path / "all.zip", {"t/inner.zip": inner.read_bytes(), **VALID, "labels.csv": b"ID\n"})
    fill(picture_entry(), tmp_path / "pics", outer)
    assert everything(tmp_path / "pics") == sorted([*TRAINING, *VALID, "labels.csv"])
    findings = picture_entry().inspect(tmp_path / "pics")
    assert [finding.name for finding in findings][-1] == "labels.csv"
    assert not any(finding.problem for finding in findings)


def test_pictures_may_come_in_two_steps_and_labels_later(tmp_path: Path) -> None:
    entry, folder = picture_entry(), tmp_path / "pics"
    with pytest.raises(CourseError, match=r"Valid/V\?\?\?\?.jpg is missing"):
        fill(entry, folder, write(tmp_path / "first", TRAINING))
    fill(entry, folder, write(tmp_path / "second", VALID))
    assert everything(folder) == sorted([*TRAINING, *VALID])
    fill(entry, folder, write(tmp_path / "third", {"sub/labels.csv": b"ID\n"}))
    assert (folder / "labels.csv").read_bytes() == b"ID\n"
    fill(entry, folder, tmp_path / "not looked at, because all is there")


def test_a_row_with_a_picture_too_few_or_cut_is_not_placed(tmp_path: Path) -> None:
    files = {**TRAINING, **VALID, "Valid/V0002.jpg": JPEG[:-2]}
    del files["Training/P0002.jpg"]
    with pytest.raises(CourseError, match=r"P\?\?\?\?.jpg has 2 of 3 pictures; .*holds V0002.jpg, which is cut off"):
        fill(picture_entry(), tmp_path / "pics", write(tmp_path / "stick", files))
    assert everything(tmp_path / "pics") == ["Training/N0001.jpg", "Training/N0002.jpg"]


def test_pictures_in_their_own_folder_hold(tmp_path: Path) -> None:
    elsewhere = {"Sample/P0001.jpg": b"another size", "before/P0002.jpg": b"another", "x.jpg": b""}
    source = write(tmp_path / "stick", {**TRAINING, **VALID, **elsewhere})
    fill(picture_entry(), tmp_path / "pics", source)
    assert (tmp_path / "pics/Training/P0001.jpg").read_bytes() == JPEG
    twice = write(tmp_path / "twice", {"a/Valid/V0001.jpg": JPEG, "b/Valid/V0001.jpg": JPEG + b" \xff\xd9"})
    with pytest.raises(CourseError, match=r"holds two different files V0001.jpg"):
        fill(picture_entry(), tmp_path / "other", twice)


def test_an_unreadable_picture_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "Training" / "N0001.jpg").mkdir(parents=True)
    write(tmp_path, picture_files("Training/N0002.jpg"))
    assert "holds N0001.jpg" in picture_entry().pictures[1].problem(tmp_path)


# ---- the registry itself ----


def test_the_registry_is_complete_and_consistent() -> None:
    entries = registry.entries()
    assert list(entries) == ["mnist", "cifar10", "palm"]
    for entry in entries.values():
        assert entry.title
        assert entry.what
        assert entry.licence
        assert "(19" in entry.citation or "(20" in entry.citation
        assert bool(entry.mirrors) != bool(entry.request)
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in entry.mirrors)
        for file in entry.files:
            for part in (file, *file.unpacked):
                algorithm, digest = part.checksum.split(":")
                assert (algorithm, len(digest)) == ("sha256", 64)
                assert part.size > 0
    assert entries["mnist"].size == 11_594_722
    assert entries["cifar10"].size == 170_498_071
    assert sum(row.count for row in entries["palm"].pictures) == 800


def test_find_get_and_verify_use_the_data_folder(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(registry, "entries", lambda: {"small": make_entry(address + "right/"), "pics": picture_entry()})
    assert registry.find("small") is None
    with pytest.raises(CourseError, match=r"small/one.bin is missing: run `course data get small`$"):
        registry.verify("small")
    assert registry.get("small") == tmp_path / "small" == registry.find("small")
    assert registry.verify("small") == "small/one.bin: whole\nsmall/two.bin: whole"
    (tmp_path / "small" / "two.bin").write_bytes(TWO[::-1])
    assert registry.find("small") == tmp_path / "small"  # damaged is not absent: the loader must speak
    with pytest.raises(CourseError, match=r"two.bin has a wrong checksum: run"):
        registry.verify("small")
    (tmp_path / "small" / "two.bin").write_bytes(TWO[:-1])
    with pytest.raises(CourseError, match=r"two.bin has 599 bytes instead of 600: run"):
        registry.verify("small")
    with pytest.raises(CourseError, match="run `course data get pics --from FOLDER_OR_ZIP`"):
        registry.verify("pics")


@pytest.mark.parametrize(
    ("name", "says"), [("mnits", "did you mean mnist"), ("Cifar", "cifar10"), ("zzz", "use mnist, cifar10, palm")]
)
def test_an_unknown_name_suggests_the_nearest(name: str, says: str) -> None:
    for action in (registry.find, registry.get, registry.verify):
        with pytest.raises(CourseError, match=says):
            action(name)


def test_reading_errors_while_copying_are_told(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise EOFError

    with pytest.raises(CourseError, match=r"page.zip cannot be read \(it ends too early\)"):
        transfer.save(Broken(), tmp_path / "copy", "page.zip")
