"""Every loader returns arrays as documented and says what it really loaded."""

import gzip
import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils import datasets, registry
from course_utils.datasets.photos import CREDITS
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def small_mnist(monkeypatch: pytest.MonkeyPatch, folder: Path, labels: int = 5) -> dict[str, bytes]:
    """Write a small data set in MNIST's form, and let the registry take it for MNIST."""
    rng = np.random.default_rng(0)
    contents = {
        "train-images-idx3-ubyte": idx(rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)),
        "train-labels-idx1-ubyte": idx(rng.integers(0, 10, labels, dtype=np.uint8)),
        "t10k-images-idx3-ubyte": idx(rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)),
        "t10k-labels-idx1-ubyte": idx(rng.integers(0, 10, 3, dtype=np.uint8)),
    }
    files = []
    folder.mkdir()
    for name, content in contents.items():
        packed = gzip.compress(content, mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        raw = File(name, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
        files.append(File(f"{name}.gz", len(packed), f"sha256:{hashlib.sha256(packed).hexdigest()}", (raw,)))
    entry = Entry(
        "mnist", "MNIST", "small", "CC0", "LeCun (1998)", mirrors=("http://127.0.0.1:9/",), files=tuple(files)
    )
    monkeypatch.setattr(registry, "entries", lambda: {"mnist": entry})
    return contents


# ---- digits ----


@pytest.mark.parametrize("asked", ["auto", "sample"])
def test_the_sample_has_mnists_form(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("COURSE_DATA", asked)
    data = datasets.digits()
    assert not data.real
    assert "sample" in data.source
    assert "1,437 + 360" in data.source
    assert data.classes == tuple("0123456789")
    for split, size in ((data.train, 1437), (data.test, 360)):
        assert split.images.shape == (size, 1, 28, 28)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert (split.images.min(), split.images.max()) == (0, 255)
        shares = np.bincount(split.labels, minlength=10) / size
        assert np.abs(shares - 0.1).max() < 0.005  # stratified
    assert data.citation
    assert data.licence == "CC BY 4.0"


def test_the_samples_digits_lie_in_the_middle() -> None:
    images = datasets.digits().train.images[:, 0].astype(float)
    positions = np.arange(28)
    rows = images.sum(axis=2) @ positions / images.sum(axis=(1, 2))
    assert np.median(np.abs(rows - 13.5)) <= 0.5
    outside = images.copy()
    outside[:, :, 4:24] = 0
    assert (outside.any(axis=(1, 2))).mean() < 0.5  # 20 x 20 within 28 x 28, shifted to the centre of mass
    assert (images > 0).any(axis=2).sum(axis=1).max() <= 20


def test_the_sample_is_scikit_learns_own_digits() -> None:
    """Enlarging by linear interpolation between centres keeps the mean of a picture that is dark at its border."""
    from sklearn.datasets import load_digits

    data = datasets.digits()
    both = np.concatenate([data.train.images, data.test.images]).astype(float).sum(axis=(1, 2, 3)) / 255 / 6.25
    originals = load_digits().images.sum(axis=(1, 2)) / 16
    np.testing.assert_allclose(np.sort(both), np.sort(originals), atol=0.7)


def test_the_split_never_changes() -> None:
    first, again = datasets.digits(), datasets.digits()
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert first.test.labels[:12].tolist() == again.test.labels[:12].tolist()


def test_mnist_is_taken_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contents = small_mnist(monkeypatch, tmp_path / "mnist")
    for asked in ("auto", "real"):
        monkeypatch.setenv("COURSE_DATA", asked)
        data = datasets.digits()
        assert data.real
        assert data.name == "MNIST"
        assert data.source == "MNIST: 5 real handwritten digits to train, 3 to test"
        assert data.train.images.shape == (5, 1, 28, 28)
        assert data.test.labels.dtype == np.int64
        assert data.train.images.tobytes() == contents["train-images-idx3-ubyte"][16:]
        assert bytes(data.test.labels.tolist()) == contents["t10k-labels-idx1-ubyte"][8:]
    monkeypatch.setenv("COURSE_DATA", "sample")
    assert not datasets.digits().real


def test_mnist_may_be_unpacked_in_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contents = small_mnist(monkeypatch, tmp_path / "mnist")
    before = datasets.digits()
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "mnist" / f"{name}.gz").unlink()
        (tmp_path / "mnist" / name).write_bytes(contents[name])
    after = datasets.digits()
    np.testing.assert_array_equal(after.train.images, before.train.images)
    np.testing.assert_array_equal(after.test.labels, before.test.labels)


def test_real_digits_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", "real")
    with pytest.raises(CourseError, match=r"gz is missing: run `course data get mnist`, or .*COURSE_DATA=sample"):
        datasets.digits()


@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "folder"])
def test_damaged_mnist_is_never_replaced_silently(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str) -> None:
    small_mnist(monkeypatch, tmp_path / "mnist")
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(whole[:-5])
    elif damage == "changed":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "folder":
        path.mkdir()
    with pytest.raises(CourseError, match=r"t10k-images-idx3-ubyte.gz .*: run `course data get mnist`") as raised:
        datasets.digits()
    assert "\n" not in str(raised.value)


def test_labels_and_images_of_different_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_mnist(monkeypatch, tmp_path / "mnist", labels=4)
    with pytest.raises(CourseError, match=r"holds 5 images and .* 4 labels"):
        datasets.digits()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "mnist").write_text("in the way")
    with pytest.raises(CourseError, match="mnist is a file and should be a folder"):
        datasets.digits()


def test_the_real_mnist_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if registry.find("mnist") is None:
        pytest.skip("MNIST is not in the data folder")
    monkeypatch.setenv("COURSE_DATA", "real")
    data = datasets.digits()
    assert data.train.images.shape == (60_000, 1, 28, 28)
    assert data.test.images.shape == (10_000, 1, 28, 28)
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert round(float(data.train.images.mean()), 4) == 33.3184


# ---- Split ----


def test_take_gives_the_first() -> None:
    split = datasets.Split(np.arange(6, dtype=np.uint8).reshape(3, 1, 1, 2), np.array([4, 5, 6]))
    assert split.size == 3
    assert split.take(2).size == 2
    assert split.take(2).labels.tolist() == [4, 5]
    assert split.take(9).size == 3
    with pytest.raises(ValueError, match="cannot take -1 images"):
        split.take(-1)


# ---- photographs ----


@pytest.mark.parametrize("name", sorted(CREDITS))
def test_every_photograph_comes_without_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a photograph must come from the wheel")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    picture = datasets.photos(name)
    assert picture.dtype == np.uint8
    assert picture.ndim == 4
    assert picture.shape[:2] in ((1, 1), (1, 3))
    assert picture.flags.c_contiguous
    assert np.ptp(picture) > 100
    assert "(from scikit-image)" in datasets.photo_credit(name)


def test_channels_come_first() -> None:
    from skimage import data

    np.testing.assert_array_equal(datasets.photos("coffee")[0, 2], data.coffee()[:, :, 2])
    np.testing.assert_array_equal(datasets.photos("camera")[0, 0], data.camera())


@pytest.mark.parametrize(
    ("name", "says"), [("kamera", "did you mean camera"), ("xyzzy", "use one of astronaut, brick")]
)
def test_an_unknown_photograph(name: str, says: str) -> None:
    for ask in (datasets.photos, datasets.photo_credit):
        with pytest.raises(CourseError, match=says):
            ask(name)


def test_importing_the_loaders_is_light() -> None:
    heavy = "paddle", "sklearn", "skimage", "pooch", "requests", "matplotlib"
    code = f"import sys, course_utils.datasets; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
