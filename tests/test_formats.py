"""IDX files and CIFAR batches are read exactly, and a damaged one is told in one sentence that names it."""

import contextlib
import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from course_utils.datasets.formats import CIFAR_PARTS, IDX_TYPES, read_cifar_batches, read_idx, read_idx_pair
from course_utils.errors import CourseError


def idx(array: np.ndarray) -> bytes:
    """An array as an IDX file."""
    code = next(code for code, kind in IDX_TYPES.items() if np.dtype(kind) == array.dtype.newbyteorder(">"))
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def one_sentence(raised: pytest.ExceptionInfo[CourseError], path: Path) -> bool:
    return str(path) in str(raised.value) and "\n" not in str(raised.value)


# ---- IDX ----

KINDS = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]


@given(
    st.sampled_from(KINDS).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
    ),
    st.booleans(),
)
def test_idx_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool) -> None:
    path = tmp_path_factory.mktemp("idx") / "array"
    path.write_bytes(gzip.compress(idx(array), 1) if packed else idx(array))
    read = read_idx(path)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)


@given(data=st.data())
def test_no_damage_to_an_idx_file_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    damaged = data.draw(
        st.integers(0, len(whole) - 1).map(lambda size: whole[:size]) | st.binary(min_size=1).map(whole.__add__)
    )
    path = tmp_path_factory.mktemp("idx") / "array"
    path.write_bytes(damaged)
    with pytest.raises(CourseError) as raised:
        read_idx(path)
    assert one_sentence(raised, path)


@given(content=st.binary(max_size=60))
def test_any_bytes_are_an_array_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("idx") / "array"
    for prefix in (b"", b"\0\0\x08", b"\x1f\x8b"):
        path.write_bytes(prefix + content)
        with contextlib.suppress(CourseError):  # any other error fails
            assert read_idx(path).nbytes < len(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "begins with nothing"),
        (b"<html>", "is not an IDX file"),
        (struct.pack(">HBB", 0, 0x0A, 1), "is not an IDX file"),
        (struct.pack(">HBBI", 0, 8, 3, 7), "ends within its header"),
        (struct.pack(">HBBII", 0, 8, 2, 2**32 - 1, 2**32 - 1), "has 12 bytes where its header promises"),
        (gzip.compress(idx(np.zeros(500, np.uint8)), mtime=0)[:-9], "cannot be read"),
        (gzip.compress(b"no header", mtime=0), "is not an IDX file"),
    ],
)
def test_bad_idx_files(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=says) as raised:
        read_idx(path)
    assert one_sentence(raised, path)


def test_a_gzipped_idx_file_with_a_flipped_bit(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(np.random.default_rng(0).bytes(2000), mtime=0))
    content[1000] ^= 4
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(CourseError, match=r"x.gz cannot be read"):
        read_idx(tmp_path / "x.gz")


def test_idx_missing_folder_and_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError, match="gone is missing: get it again"):
        read_idx(tmp_path / "gone")
    with pytest.raises(CourseError, match="is a folder and should be a file: move it away"):
        read_idx(tmp_path)

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CourseError, match=r"cannot be read \(Permission denied\)"):
        read_idx(tmp_path / "locked")


def test_a_pair_becomes_a_split(tmp_path: Path) -> None:
    images, labels = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5), np.array([2, 0, 9], np.uint8)
    (tmp_path / "x").write_bytes(idx(images))
    (tmp_path / "y").write_bytes(idx(labels))
    split = read_idx_pair(tmp_path / "x", tmp_path / "y")
    assert split.images.shape == (3, 1, 4, 5)
    assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(split.images[:, 0], images)
    assert split.labels.tolist() == [2, 0, 9]
    (tmp_path / "short").write_bytes(idx(labels[:2]))
    with pytest.raises(CourseError, match=r"x holds 3 images and .*short 2 labels"):
        read_idx_pair(tmp_path / "x", tmp_path / "short")
    with pytest.raises(CourseError, match=r"y holds uint8 values of 1 dimensions where uint8 and 3"):
        read_idx_pair(tmp_path / "y", tmp_path / "x")
    (tmp_path / "float").write_bytes(idx(labels.astype(np.float32)))
    with pytest.raises(CourseError, match=r"float holds float32 values"):
        read_idx_pair(tmp_path / "x", tmp_path / "float")


# ---- CIFAR ----

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def cifar(per_batch: int = 4) -> dict[str, dict[object, object]]:
    """The seven parts of a small CIFAR-10."""
    rng = np.random.default_rng(0)
    parts: dict[str, dict[object, object]] = {
        name: {
            b"data": rng.integers(0, 256, (per_batch, 3072), dtype=np.uint8),
            b"labels": rng.integers(0, 10, per_batch).tolist(),
        }
        for name in CIFAR_PARTS[:-1]
    }
    parts["batches.meta"] = {"label_names": NAMES}
    return parts


def as_folder(folder: Path, parts: dict[str, dict[object, object]], protocol: int = 2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / name).write_bytes(pickle.dumps(part, protocol))
    return folder


def as_tar(path: Path, parts: dict[str, dict[object, object]]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, part in parts.items():
            content = pickle.dumps(part, 2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("cifar-10-batches-py/readme.html"))
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_cifar_folder_and_archive_give_the_same(tmp_path: Path, protocol: int) -> None:
    parts = cifar()
    folder = as_folder(tmp_path / "a" / "cifar-10-batches-py", parts, protocol)
    (tmp_path / "b").mkdir()
    archive = as_tar(tmp_path / "b" / "cifar-10-python.tar.gz", parts)
    for path in (folder, archive, tmp_path / "a", tmp_path / "b"):
        train, test, classes = read_cifar_batches(path)
        assert train.images.shape == (20, 3, 32, 32)
        assert (train.images.dtype, train.labels.dtype) == (np.uint8, np.int64)
        np.testing.assert_array_equal(train.images[4:8].reshape(4, -1), parts["data_batch_2"][b"data"])
        assert train.labels[16:].tolist() == parts["data_batch_5"][b"labels"]
        np.testing.assert_array_equal(test.images.reshape(4, -1), parts["test_batch"][b"data"])
        assert classes == tuple(NAMES)


def test_a_batch_as_python_2_pickled_it(tmp_path: Path) -> None:
    """Keys, class names and the array's bytes are byte strings there, and the array comes from numpy.core."""
    parts = cifar(1)
    folder = as_folder(tmp_path / "set", parts)
    pixels = bytes(range(256)) * 12
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(K\x01M\x00\x0ct"
        b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T\x00\x0c\x00\x00" + pixels + b"tb"
    )
    (folder / "test_batch").write_bytes(b"\x80\x02}(U\x06labels](K\x07eU\x04data" + array + b"u.")
    (folder / "batches.meta").write_bytes(
        b"\x80\x02}U\x0blabel_names](" + b"".join(b"U" + bytes([len(name)]) + name.encode() for name in NAMES) + b"es."
    )
    _, test, classes = read_cifar_batches(folder)
    assert test.labels.tolist() == [7]
    assert test.images.tobytes() == pixels
    assert classes == tuple(NAMES)


class Evil:
    """What a malicious pickle would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("data_batch_3", None, r"data_batch_3 is missing: get it again"),
        ("data_batch_3", b"", r"data_batch_3 is not a CIFAR batch"),
        ("data_batch_3", pickle.dumps(cifar()["test_batch"])[:-900], r"data_batch_3 is not a CIFAR batch"),
        ("data_batch_3", pickle.dumps([1]), r"it holds a list"),
        ("data_batch_3", pickle.dumps({"labels": [1]}), r"holds no uint8 images"),
        ("data_batch_3", pickle.dumps({"data": np.zeros((2, 5), np.uint8), "labels": [1, 2]}), r"no uint8 images"),
        ("data_batch_3", pickle.dumps({"data": np.zeros((2, 3072)), "labels": [1, 2]}), r"no uint8 images"),
        (
            "data_batch_3",
            pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}),
            r"2 images and 1 labels",
        ),
        ("data_batch_3", pickle.dumps({"data": np.zeros((2, 3072), np.uint8)}), r"2 images and no labels"),
        ("data_batch_3", pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}), r"not 0 to 9"),
        ("data_batch_3", pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": ["a"]}), r"not 0 to 9"),
        ("data_batch_3", pickle.dumps(Evil()), r"it asks for builtins.eval"),
        ("data_batch_3", pickle.dumps(np.load), r"it asks for numpy\S*\.load"),
        ("batches.meta", pickle.dumps({"label_names": NAMES[:3]}), r"does not name ten classes"),
    ],
)
def test_bad_cifar_batches(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    folder = as_folder(tmp_path / "set", cifar())
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(CourseError, match=says) as raised:
        read_cifar_batches(folder)
    assert one_sentence(raised, folder / name)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_cifar_archive(tmp_path: Path, share: float) -> None:
    path = as_tar(tmp_path / "cifar-10-python.tar.gz", cifar())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(CourseError, match=r"tar.gz cannot be read") as raised:
        read_cifar_batches(path)
    assert one_sentence(raised, path)


def test_cifar_missing_and_a_folder_in_a_files_place(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"gone.tar.gz is missing"):
        read_cifar_batches(tmp_path / "gone.tar.gz")
    folder = as_folder(tmp_path / "set", cifar())
    (folder / "test_batch").unlink()
    (folder / "test_batch").mkdir()
    with pytest.raises(CourseError, match="test_batch is a folder and should be a file"):
        read_cifar_batches(folder)
