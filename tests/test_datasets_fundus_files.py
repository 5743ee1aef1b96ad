"""PALM as people have it: folders, zips, zips in a zip, two kinds of table; what is broken in it; and the cache."""

import errno
import io
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pooch
import pytest
from PIL import Image

from course_utils import datasets, registry
from course_utils.datasets import fundus_cache, fundus_folder, fundus_labels
from course_utils.datasets.generated_fundus import drawn_fundus
from course_utils.errors import CourseError
from course_utils.manifest import Entry, Pictures

TRAIN, VALID = "PALM-Training400", "PALM-Validation400"
NAMES = [f"{TRAIN}/{name}.jpg" for name in ("H0001", "N0001", "N0002", "P0001", "P0002")]
NAMES += [f"{VALID}/V000{number}.jpg" for number in (1, 2, 3)]
ROWS = [("ID", "imgName", "Label", "Fovea_X", "Fovea_Y")]
ROWS += [(number, f"V000{number}.jpg", number % 2, 1157.74, 1019.87) for number in (1, 2, 3)]


def picture(number: int) -> bytes:
    """A JPEG whose pixels tell its number."""
    pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((260, 250)).save(file, "JPEG", quality=90)
    return file.getvalue()


JPEGS = {name: picture(number) for number, name in enumerate(NAMES)}
CSV = "\r\n".join(",".join(map(str, row)) for row in ROWS).encode()


def excel(rows: list[tuple]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


FOLDERS = {**JPEGS, "labels.csv": CSV}
OF_TRAINING = {name: content for name, content in JPEGS.items() if name.startswith(TRAIN)}
OF_VALIDATION = {name: content for name, content in JPEGS.items() if name.startswith(VALID)}
XLSX = "PM_Label_and_Fovea_Location.xlsx"


@pytest.fixture(autouse=True)
def palm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a small set in PALM's form, which the registry takes for PALM; nothing lies there yet."""
    counts = {"P": 2, "H": 1, "N": 2, "V": 3}
    rows = tuple(Pictures(VALID if kind == "V" else TRAIN, f"{kind}????.jpg", n) for kind, n in counts.items())
    entry = Entry("palm", "PALM", "8", "asked", "Fang", pictures=rows, tables=("labels.csv", XLSX), request="ask Fang")
    monkeypatch.setattr(registry, "entries", lambda: {"palm": entry})
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "users" / project)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return tmp_path / "data" / "palm"


def error() -> str:
    with pytest.raises(CourseError) as raised:
        datasets.fundus()
    message = str(raised.value)
    assert message.endswith(", or use the sample with COURSE_DATA=sample")
    assert "\n" not in message
    return message


# ---- layouts ----


def nested(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{TRAIN}/{name}" if name in OF_TRAINING else name: content for name, content in files.items()}


LAYOUTS: dict[str, dict[str, bytes]] = {
    "folders": FOLDERS,
    "nested folders, byte order mark": {**nested(JPEGS), "labels.csv": b"\xef\xbb\xbf" + CSV + b"\r\n\r\n"},
    "with an Excel table": {**JPEGS, f"PALM-Validation-GT/{XLSX}": excel([*ROWS, (None, None, None)])},
    "both tables": {**FOLDERS, f"PALM-Validation-GT/{XLSX}": excel(ROWS)},
    "zips, one in a zip": {
        "training.zip": zipped({f"{TRAIN}/{TRAIN}.zip": zipped(OF_TRAINING, zipfile.ZIP_DEFLATED)}),
        "validation.zip": zipped({**OF_VALIDATION, f"__MACOSX/{VALID}/._V0001.jpg": b"resource fork"}),
        "valid_gt.zip": zipped({f"PALM-Validation-GT/{XLSX}": excel(ROWS)}),
    },
    "zips and what they unpack to": {**FOLDERS, "training.zip": zipped(OF_TRAINING)},
    "other copies elsewhere": {**FOLDERS, "full/P0001.jpg": picture(99), "A/P0002.jpg": picture(98)},
    "loose": {Path(name).name: content for name, content in FOLDERS.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same(palm: Path, layout: str) -> None:
    write(palm, LAYOUTS[layout])
    data = datasets.fundus()
    assert data.real
    assert data.source == (
        "PALM: 5 real fundus photographs to train, 3 to validate, squashed to 224 x 224; 0 dropped as duplicates"
    )
    assert (data.name, data.citation, data.licence, data.dropped) == ("PALM", "Fang", "asked", ())
    assert data.train.names == ("H0001", "N0001", "N0002", "P0001", "P0002")
    assert "".join(data.train.kinds) == "HNNPP"
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1]
    assert (data.valid.names, data.valid.kinds) == (("V0001", "V0002", "V0003"), ("?",) * 3)
    assert data.valid.labels.tolist() == [1, 0, 1]
    for split, files in ((data.train, OF_TRAINING), (data.valid, OF_VALIDATION)):
        np.testing.assert_array_equal(split.images, [datasets.squash(content) for content in files.values()])
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)


def test_the_data_folder_may_be_named_by_a_way_back(palm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(palm, LAYOUTS["zips, one in a zip"])
    (palm.parent / "beside").mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(palm.parent / "beside" / ".."))
    assert datasets.fundus().real


def test_the_sample_stands_in_where_nothing_is_and_only_there(palm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = drawn_fundus(2, seed=0)
    monkeypatch.setattr(sys.modules["course_utils.datasets.fundus"], "drawn_fundus", lambda *args, **kwargs: few)
    assert not datasets.fundus().real
    write(palm, {"notes.txt": b"ask Fang", ".hidden/P0001.jpg": picture(0)})
    assert not datasets.fundus().real
    monkeypatch.setenv("COURSE_DATA", "real")
    assert "palm: ask Fang, then run `course data get palm --from FOLDER_OR_ZIP`, or use the sample" in error()
    monkeypatch.delenv("COURSE_DATA")
    write(palm, {"labels.csv": CSV})
    assert "holds 0 of the 2 pictures PALM-Training400/P????.jpg: run `course data get palm --from" in error()
    monkeypatch.setenv("COURSE_DATA", "sample")
    assert not datasets.fundus().real


def test_a_file_in_the_folders_place(palm: Path) -> None:
    palm.parent.mkdir()
    palm.write_bytes(b"")
    with pytest.raises(CourseError, match="palm is a file and should be a folder: move it away"):
        datasets.fundus()


# ---- duplicates ----


def test_copies_are_dropped_so_that_nothing_is_measured_with_what_it_was_trained_on(palm: Path) -> None:
    again = {f"{TRAIN}/P0002.jpg": JPEGS[NAMES[5]], f"{VALID}/V0003.jpg": JPEGS[NAMES[5]]}  # all three are V0001
    other_bytes = {f"{TRAIN}/N0002.jpg": JPEGS[NAMES[1]][:2] + b"\xff\xfe\0\x04ok" + JPEGS[NAMES[1]][2:]}  # a comment
    write(palm, {**FOLDERS, **again, **other_bytes})
    data = datasets.fundus()
    assert data.train.names == ("H0001", "N0001", "P0001")
    assert data.valid.names == ("V0001", "V0002")
    assert set(data.dropped) == {
        "V0003 is the same picture as V0001: V0003 is dropped.",
        "P0002 is the same picture as V0001: P0002 is dropped.",
        "N0002 is the same picture as N0001: N0002 is dropped.",
    }
    assert data.source == (
        "PALM: 3 real fundus photographs to train, 2 to validate, squashed to 224 x 224; 3 dropped as duplicates"
    )


def test_copies_with_different_labels_are_all_dropped(palm: Path) -> None:
    write(palm, {**FOLDERS, f"{TRAIN}/P0002.jpg": JPEGS[NAMES[6]]})  # V0002 has the label 0
    data = datasets.fundus()
    assert data.dropped == ("V0002 and P0002 are one picture with two labels: all of them are dropped.",)
    assert "4 real fundus photographs to train, 2 to validate" in data.source


# ---- what is broken is named ----


def changed(text: str, into: str) -> dict[str, bytes]:
    assert text.encode() in CSV
    return {"labels.csv": CSV.replace(text.encode(), into.encode(), 1)}


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def spoilt(archive: bytes) -> bytes:
    """A zip archive in which one byte of the first picture is another."""
    return archive[:500] + bytes([archive[500] ^ 255]) + archive[501:]


BROKEN: dict[str, tuple[dict[str, bytes | None], str]] = {
    "a truncated JPEG": ({NAMES[0]: cut(JPEGS[NAMES[0]])}, f"{NAMES[0]} cannot be decoded (image file is truncated"),
    "a text named .jpg": ({NAMES[3]: b"not a picture"}, f"{NAMES[3]} is no JPEG, PNG, TIFF or BMP picture"),
    "a picture too few": ({NAMES[3]: None}, f"holds 1 of the 2 pictures {TRAIN}/P????.jpg"),
    "a picture too many": ({f"{TRAIN}/P0003.jpg": picture(9)}, f"holds 3 of the 2 pictures {TRAIN}/P????.jpg"),
    "two of one name": (
        {f"copy/{NAMES[3]}": picture(9)},
        f"copy/{NAMES[3]} is not the only picture of its name, and they differ: remove the wrong one",
    ),
    "no table": ({"labels.csv": None}, f"holds no table of labels: put labels.csv or {XLSX} there"),
    "two tables that differ": (
        {XLSX: excel([ROWS[0], *((number, f"V000{number}.jpg", 0) for number in (1, 2, 3))])},
        "give different labels: remove the wrong one",
    ),
    "a missing label": (changed("3,V0003.jpg,1,1157.74,1019.87", ""), "has no line for V0003.jpg: add it, or take"),
    "a label without a picture": (
        changed("3,V0003.jpg", "3,V0003.jpg,1,0,0\r\n4,V0004.jpg"),
        "lists V0004, of which there is no picture to validate: remove it",
    ),
    "a name twice": (changed("3,V0003.jpg", "3,V0001.jpg"), "labels.csv, line 4, lists V0001 a second time"),
    "a label of 2": (changed("V0002.jpg,0", "V0002.jpg,2"), "gives V0002 the label '2' instead of 0 or 1"),
    "a label of nothing": (changed("V0002.jpg,0", "V0002.jpg,"), "gives V0002 the label '' instead of 0 or 1"),
    "a line cut off": (changed(",1,1157.74,1019.87\r\n2", "\r\n2"), "line 2, names no picture or no label"),
    "another column": (changed("Label", "label"), "labels.csv has no column Label in its first line"),
    "an empty table": ({"labels.csv": b""}, "labels.csv has no column imgName in its first line"),
    "a table of bytes": ({"labels.csv": b"\xff\xfe\x00"}, "labels.csv is no table of comma-separated text"),
    "a table with an endless cell": ({"labels.csv": b'"' + b"a" * 200_000}, "is no table of comma-separated text"),
    "no workbook": ({XLSX: b"PK no zip"}, f"{XLSX} is no Excel workbook that can be read"),
    "half a workbook": ({XLSX: cut(excel(ROWS))}, f"{XLSX} is no Excel workbook that can be read"),
    "a workbook without sheets": ({XLSX: zipped({"a": b""})}, f"{XLSX} is no Excel workbook that can be read"),
    "a cut archive": ({"training.zip": cut(zipped(OF_TRAINING))}, "training.zip cannot be read"),
    "a spoilt archive": ({"training.zip": spoilt(zipped(OF_TRAINING))}, "cannot be read (Bad CRC-32"),
    "an archive that points out": (
        {"training.zip": zipped({"../../P0001.jpg": picture(9)})},
        "holds '../../P0001.jpg', which points out of it: do not use that archive",
    ),
    "an archive that points to the root": (
        {"training.zip": zipped({"/etc/P0001.jpg": picture(9)})},
        "holds '/etc/P0001.jpg', which points out of it: do not use that archive",
    ),
    "a bomb of one picture": (
        {"training.zip": zipped({f"{TRAIN}/P0001.jpg": bytes(2 << 20)}, zipfile.ZIP_DEFLATED)},
        f"training.zip looks like a zip bomb ({TRAIN}/P0001.jpg in it would grow 100-fold and more): do not use it",
    ),
    "a bomb in a zip": (
        {"training.zip": zipped({"inner.zip": zipped({"x.zip": bytes(2 << 20)}, zipfile.ZIP_DEFLATED)})},
        "inner.zip looks like a zip bomb",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_and_nothing_is_lost(palm: Path, what: str) -> None:
    files, says = BROKEN[what]
    content = {name: body for name, body in {**FOLDERS, **files}.items() if body is not None}
    write(palm, content)
    assert says in error()
    left = {path.relative_to(palm).as_posix(): path.read_bytes() for path in palm.rglob("*.*")}
    left.pop(fundus_cache.NAME, None)  # the pictures were whole, and the fault lies between them and the table
    assert left == content
    assert not (palm.parent.parent / "etc").exists()


def test_an_archive_beyond_all_measure(palm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_utils.transfer.UNPACKED", 20_000)
    write(palm, {**FOLDERS, "training.zip": zipped(OF_TRAINING)})
    assert "training.zip looks like a zip bomb (it holds 0 GB)" in error()
    monkeypatch.undo()
    monkeypatch.setattr(fundus_labels, "BYTES", 1_000)
    with pytest.raises(CourseError, match="would unpack to 0 MB, more than a table of labels needs"):
        fundus_labels.read_labels(excel(ROWS), "table.xlsx")


# ---- the cache ----


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that were decoded."""
    decoded: list[str] = []

    def counted(content: bytes, name: str) -> np.ndarray:
        decoded.append(Path(name).stem)
        return datasets.squash(content, name)

    monkeypatch.setattr(fundus_folder, "squash", counted)
    return decoded


def test_the_second_time_comes_from_the_cache(palm: Path, reads: list[str]) -> None:
    write(palm, FOLDERS)
    first = datasets.fundus()
    assert len(reads) == 8
    again = datasets.fundus()
    assert len(reads) == 8
    assert sorted(path.name for path in palm.iterdir() if path.is_file()) == ["labels.csv", fundus_cache.NAME]
    assert f"v{fundus_cache.VERSION}" in fundus_cache.NAME
    assert (first.source, first.train.names) == (again.source, again.train.names)
    for before, after in ((first.train, again.train), (first.valid, again.valid)):
        np.testing.assert_array_equal(before.images, after.images)
        np.testing.assert_array_equal(before.labels, after.labels)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a picture": lambda palm: (palm / NAMES[0]).write_bytes(picture(50)),
    "a label": lambda palm: (palm / "labels.csv").write_bytes(CSV.replace(b"V0002.jpg,0", b"V0002.jpg,1")),
    "a new archive": lambda palm: (palm / "more.zip").write_bytes(zipped({NAMES[0]: JPEGS[NAMES[0]]})),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_files_are_noticed_even_with_the_old_size_and_date(palm: Path, reads: list[str], what: str) -> None:
    write(palm, FOLDERS)
    stamps = {path: path.stat() for path in palm.rglob("*.*")}
    first = datasets.fundus()
    time.sleep(0.02)  # a file system's clock ticks a few times each hundredth of a second
    CHANGES[what](palm)
    for path, stamp in stamps.items():
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = datasets.fundus()
    assert len(reads) >= 16
    assert (first.train.images[0] != second.train.images[0]).any() == (what == "a picture")
    assert second.valid.labels.tolist() == ([1, 1, 1] if what == "a label" else [1, 0, 1])


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": cut,
    "one bit": lambda content: content[:400_000] + bytes([content[400_000] ^ 1]) + content[400_001:],
    "empty": lambda content: b"",
    "a text": lambda content: b"nothing like an archive",
    "another array": lambda content: zipped({"key.npy": b"\x93NUMPY"}),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_cache_is_made_again(palm: Path, reads: list[str], what: str) -> None:
    write(palm, FOLDERS)
    whole = datasets.fundus()
    cache = palm / fundus_cache.NAME
    cache.write_bytes(DAMAGE[what](cache.read_bytes()))
    np.testing.assert_array_equal(datasets.fundus().train.images, whole.train.images)
    assert len(reads) == 16
    datasets.fundus()
    assert len(reads) == 16


def test_a_folder_that_may_not_be_written_is_left_alone(palm: Path, reads: list[str], tmp_path: Path) -> None:
    write(palm, FOLDERS)
    palm.chmod(0o555)
    try:
        assert datasets.fundus().source.endswith("dropped as duplicates")
        datasets.fundus()
    finally:
        palm.chmod(0o755)
    assert len(reads) == 8
    assert not (palm / fundus_cache.NAME).exists()
    assert (tmp_path / "users" / "paddle-course" / fundus_cache.NAME).is_file()


def test_without_space_it_goes_on_and_says_so(palm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, **arrays: np.ndarray) -> None:
        path.write_bytes(b"a beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    write(palm, FOLDERS)
    monkeypatch.setattr(np, "savez", full)
    data = datasets.fundus()
    assert data.source.endswith("0 dropped as duplicates; kept no cache of them (No space left on device)")
    assert str(tmp_path) not in data.source
    assert data.train.size == 5
    assert {path.relative_to(palm).as_posix() for path in palm.rglob("*.*")} == set(FOLDERS)
    assert not (tmp_path / "users").exists() or not list((tmp_path / "users").rglob("*.npz"))
