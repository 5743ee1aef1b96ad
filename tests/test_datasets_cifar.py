"""CIFAR-10 where it lies, ten drawn shapes where it does not, and splits that keep the classes' shares."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import augment, datasets, registry
from course_utils.datasets.formats import CIFAR_PARTS
from course_utils.datasets.generated import SHAPES, drawn_shapes
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File
from course_utils.training import Trainer

NAMES = [f"class {number}" for number in range(10)]


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)


@pytest.fixture(params=["archive", "folder"])
def small_cifar(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set in CIFAR-10's form, which the registry takes for CIFAR-10; returns one of its files."""
    rng = np.random.default_rng(0)
    parts = {
        f"cifar-10-batches-py/{name}": pickle.dumps(
            {"data": rng.integers(0, 256, (4, 3072), dtype=np.uint8), "labels": rng.integers(0, 10, 4).tolist()}
        )
        for name in CIFAR_PARTS[:-1]
    }
    parts["cifar-10-batches-py/batches.meta"] = pickle.dumps({"label_names": NAMES})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    unpacked = tuple(described(name, content) for name, content in parts.items())
    whole = described("cifar-10-python.tar.gz", packed.getvalue())
    entry = Entry(
        "cifar10",
        "CIFAR-10",
        "small",
        "none",
        "Krizhevsky (2009)",
        mirrors=("http://127.0.0.1:9/",),
        files=(File(whole.name, whole.size, whole.checksum, unpacked),),
    )
    monkeypatch.setattr(registry, "entries", lambda: {"cifar10": entry})
    folder = tmp_path / "cifar10"
    (folder / "cifar-10-batches-py").mkdir(parents=True)
    files = parts if request.param == "folder" else {whole.name: packed.getvalue()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / list(files)[-1]


def described(name: str, content: bytes) -> File:
    return File(name, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")


# ---- the real set ----


@pytest.mark.parametrize("asked", ["auto", "real"])
def test_cifar_is_taken_where_it_lies(small_cifar: Path, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("COURSE_DATA", asked)
    data = datasets.cifar10()
    assert data.real
    assert data.source == "CIFAR-10: 20 real photographs to train, 4 to test"
    assert data.train.images.shape == (20, 3, 32, 32)
    assert (data.test.images.dtype, data.test.labels.dtype) == (np.uint8, np.int64)
    assert data.classes == tuple(NAMES)
    assert (data.citation, data.licence) == ("Krizhevsky (2009)", "none")
    monkeypatch.setenv("COURSE_DATA", "sample")
    assert not datasets.cifar10().real


def test_damaged_cifar_is_never_replaced_silently(small_cifar: Path) -> None:
    whole = small_cifar.read_bytes()
    small_cifar.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CourseError, match=r": run `course data get cifar10`, or .* COURSE_DATA=sample") as raised:
        datasets.cifar10()
    assert "\n" not in str(raised.value)


def test_real_cifar_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", "real")
    with pytest.raises(CourseError, match=r"gz is missing: run `course data get cifar10`, or .*COURSE_DATA=sample"):
        datasets.cifar10()


def test_the_real_cifar_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if registry.find("cifar10") is None:
        pytest.skip("CIFAR-10 is not in the data folder")
    monkeypatch.setenv("COURSE_DATA", "real")
    data = datasets.cifar10()
    assert np.bincount(data.train.labels).tolist() == [5_000] * 10
    assert np.bincount(data.test.labels).tolist() == [1_000] * 10
    assert data.classes[data.train.labels[0]] == "frog"
    mean, std = datasets.channel_statistics(data.train.images)
    assert [round(value, 4) for value in mean] == [0.4914, 0.4822, 0.4465]
    assert [round(value, 4) for value in std] == [0.2470, 0.2435, 0.2616]


# ---- the sample ----


@pytest.fixture(scope="module")
def sample() -> datasets.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "sample")
        return datasets.cifar10()


def test_the_sample_says_that_it_is_generated(sample: datasets.Dataset) -> None:
    assert not sample.real
    assert sample.source == "sample in place of CIFAR-10: 3,000 + 1,000 generated pictures of shapes"
    assert sample.classes == tuple(SHAPES)
    for split, size in ((sample.train, 3_000), (sample.test, 1_000)):
        assert split.images.shape == (size, 3, 32, 32)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert np.bincount(split.labels).tolist() == [size // 10] * 10


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, again, other = drawn_shapes(23, 5), drawn_shapes(23, 5), drawn_shapes(23, 6)
    np.testing.assert_array_equal(first.images, again.images)
    assert first.labels.tolist() == again.labels.tolist()
    assert (first.images != other.images).any()
    assert np.ptp(np.bincount(first.labels, minlength=10)) == 1


def test_the_sample_is_neither_given_away_by_colour_nor_beyond_a_small_net(sample: datasets.Dataset) -> None:
    """Mean colours tell a little more than chance; a small net in two epochs far more, and not all."""
    colours, unseen = (split.images.mean(axis=(2, 3)) for split in (sample.train, sample.test))
    centres = np.stack([colours[sample.train.labels == label].mean(axis=0) for label in range(10)])
    nearest = ((unseen[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.1 < (nearest == sample.test.labels).mean() < 0.3
    paddle.seed(0)
    layers: list[paddle.nn.Layer] = []
    for before, after, stride in ((3, 16, 2), (16, 32, 2), (32, 64, 2)):
        conv = paddle.nn.Conv2D(before, after, 3, stride, 1, bias_attr=False)
        layers += [conv, paddle.nn.BatchNorm2D(after), paddle.nn.ReLU()]
    net = paddle.nn.Sequential(*layers, paddle.nn.AdaptiveAvgPool2D(1), paddle.nn.Flatten(), paddle.nn.Linear(64, 10))
    prepare = augment.standardize(*datasets.channel_statistics(sample.train.images))
    trainer = Trainer(net, paddle.optimizer.Adam(5e-3, parameters=net.parameters()), prepare=prepare, report=None)
    trainer.fit(sample.train, epochs=2)
    assert 0.35 < trainer.evaluate(sample.test).accuracy < 0.95


# ---- splits and statistics ----


@given(labels=st.lists(st.integers(0, 4), max_size=60), share=st.floats(0, 1), seed=st.integers(0, 5))
def test_a_stratified_split_keeps_everything_and_the_shares(labels: list[int], share: float, seed: int) -> None:
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    whole = datasets.Split(images, np.array(labels, dtype=np.int64))
    size = round(share * len(labels))
    rest, held = whole.stratified(size, seed)
    assert (rest.size, held.size) == (len(labels) - size, size)
    places = [part.images.ravel().tolist() for part in (rest, held)]
    assert sorted(places[0] + places[1]) == list(range(len(labels)))
    assert places == [sorted(part) for part in places]
    for part in (rest, held):
        np.testing.assert_array_equal(part.labels, whole.labels[part.images.ravel()])
    wanted = np.bincount(whole.labels, minlength=5) * (size / max(len(labels), 1))
    assert np.abs(np.bincount(held.labels, minlength=5) - wanted).max() <= 1


def test_a_stratified_split_is_drawn_by_its_seed() -> None:
    whole = datasets.Split(np.arange(200, dtype=np.uint8).reshape(-1, 1, 1, 1), np.arange(200) % 4)
    first, again, other = (whole.stratified(40, seed)[1].images.ravel().tolist() for seed in (1, 1, 2))
    assert first == again
    assert len(set(first) & set(other)) < 25  # 8 are expected of two independent draws
    for size in (-1, 201):
        with pytest.raises(ValueError, match=f"cannot hold out {size} of 200 images"):
            whole.stratified(size)


def test_channel_statistics_are_numpys() -> None:
    images = np.random.default_rng(0).integers(0, 200, (7, 3, 5, 6), dtype=np.uint8)
    mean, std = datasets.channel_statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(std, (images / 255).std(axis=(0, 2, 3)))
    for bad in (images / 255, images[0], images[:0]):
        with pytest.raises(ValueError, match=r"give uint8 \[N, C, H, W\], at least one"):
            datasets.channel_statistics(bad)
