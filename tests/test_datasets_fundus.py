"""The fundus photographs: PALM where it lies, the generated pictures, splits that know their kinds, and folds."""

from collections import Counter

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from course_utils import augment, datasets, settings
from course_utils.datasets.fundus_splits import without_duplicates
from course_utils.datasets.generated_fundus import drawn_fundus
from course_utils.training import Trainer

PALM = settings.data_dir() / "palm"  # before a test names another folder
PAIRS = [("P0056", "V0163"), ("P0057", "V0252"), ("P0072", "P0014"), ("V0160", "V0107"), ("V0320", "V0268")]
real_only = pytest.mark.skipif(not (PALM / "PALM-Training400").is_dir(), reason="PALM is not in the data folder")


@pytest.fixture(scope="module")
def real() -> datasets.Fundus:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "real")
        return datasets.fundus()


@pytest.fixture(scope="module")
def sample() -> datasets.Fundus:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "sample")
        return datasets.fundus()


# ---- the real set ----


@real_only
def test_palm_without_its_five_duplicates(real: datasets.Fundus) -> None:
    assert real.real
    assert real.source.startswith(
        "PALM (iChallenge-PM): 397 real fundus photographs to train, 398 to validate, "
        "squashed to 224 x 224; 5 dropped as duplicates"
    )
    assert Counter(real.train.kinds) == {"P": 210, "N": 161, "H": 26}
    assert real.train.labels.tolist() == [int(kind == "P") for kind in real.train.kinds]
    assert set(real.valid.kinds) == {"?"}
    assert real.valid.labels.sum() == 209
    assert len(real.dropped) == 5
    for gone, stays in PAIRS:
        assert f"{gone} is the same picture as {stays}: {gone} is dropped." in real.dropped
        assert gone not in real.train.names + real.valid.names
        assert stays in real.train.names + real.valid.names


@real_only
def test_full_size_photographs_squash_to_the_reduced_copies(real: datasets.Fundus) -> None:
    paths = sorted((PALM / "fullres_sample").glob("*.jpg"))
    if not paths:
        pytest.skip("no photograph of full size is in the data folder")
    for path in paths:
        ours, theirs = datasets.squash(path), real.train.images[real.train.names.index(path.stem)]
        assert np.abs(ours.astype(float) - theirs).mean() <= 3, path.name


# ---- the sample ----


def test_the_sample_says_that_it_is_generated(sample: datasets.Fundus) -> None:
    assert not sample.real
    assert sample.source == "sample in place of iChallenge-PM: 160 + 120 generated pictures, not photographs"
    assert sample.name == "generated fundus"
    assert sample.dropped == ()
    assert Counter(sample.train.kinds) == {"P": 80, "H": 24, "N": 56}
    assert Counter(sample.valid.kinds) == {"?": 120}
    assert sample.train.labels.tolist() == [int(kind == "P") for kind in sample.train.kinds]
    assert sample.valid.labels.sum() == 60
    for split in (sample.train, sample.valid):
        assert split.images.shape == (split.size, 3, 224, 224)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert len(set(split.names)) == split.size
    assert sample.train.names[0] == "H0001"
    assert sample.valid.names[-1] == "V0120"
    assert without_duplicates(sample.train, sample.valid)[2] == ()


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, again, other = drawn_fundus(5, 3), drawn_fundus(5, 3), drawn_fundus(5, 4)
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any()
    assert drawn_fundus(0, 0).images.shape == (0, 3, 224, 224)


def test_the_shares_hold_for_any_number() -> None:
    for n in (1, 2, 7, 20):
        kinds = Counter(drawn_fundus(n, seed=n).kinds)
        assert all(abs(kinds[kind] - share * n) <= 1 for kind, share in {"P": 0.5, "H": 0.15, "N": 0.35}.items())


def test_mean_colour_does_not_give_the_sample_away_and_a_small_net_learns_it(sample: datasets.Fundus) -> None:
    train, valid = sample.train, sample.valid
    colours, unseen = (split.images.mean(axis=(2, 3)) for split in (train, valid))
    regression = LogisticRegression(max_iter=1_000).fit(colours, train.labels)
    assert roc_auc_score(valid.labels, regression.decision_function(unseen)) < 0.7
    paddle.seed(0)
    layers: list[paddle.nn.Layer] = []
    for before, after, size, stride in ((3, 12, 5, 2), (12, 24, 3, 2), (24, 48, 3, 2), (48, 48, 3, 2)):
        conv = paddle.nn.Conv2D(before, after, size, stride, size // 2, bias_attr=False)
        layers += [conv, paddle.nn.BatchNorm2D(after), paddle.nn.ReLU()]
    net = paddle.nn.Sequential(*layers, paddle.nn.AdaptiveAvgPool2D(1), paddle.nn.Flatten(), paddle.nn.Linear(48, 2))
    prepare = augment.standardize(*datasets.channel_statistics(train.images))
    trainer = Trainer(net, paddle.optimizer.Adam(3e-3, parameters=net.parameters()), prepare=prepare, report=None)
    half = [datasets.Split(split.images[:, :, ::2, ::2].copy(), split.labels) for split in (train, valid)]
    trainer.fit(half[0], epochs=10)
    scores = np.asarray(trainer.predict(half[1].images))
    assert 0.8 < roc_auc_score(valid.labels, scores[:, 1] - scores[:, 0]) < 0.999


# ---- splits ----


def numbered(kinds: str) -> datasets.FundusSplit:
    """Pictures of one pixel that tell their position; kinds p and n have a label and no known kind."""
    labels = np.array([kind in "Pp" for kind in kinds], dtype=np.int64)
    images = np.arange(len(kinds), dtype=np.uint8).reshape(-1, 1, 1, 1)
    shown = tuple(kind if kind.isupper() else "?" for kind in kinds)
    return datasets.FundusSplit(images, labels, tuple(f"{kind}{place}" for place, kind in enumerate(kinds)), shown)


@given(kinds=st.text("PHNpn", min_size=2, max_size=60), count=st.integers(2, 6), seed=st.integers(0, 5))
def test_folds_hold_each_picture_out_once_and_deal_kinds_evenly(kinds: str, count: int, seed: int) -> None:
    count = min(count, len(kinds))
    whole = numbered(kinds)
    folds = whole.folds(count, seed)
    assert len(folds) == count
    assert sorted(place for _, held in folds for place in held.images.ravel()) == list(range(len(kinds)))
    for rest, held in folds:
        assert rest.size + held.size == len(kinds)
        assert not set(rest.names) & set(held.names)
        for part in (rest, held):
            places = part.images.ravel()
            assert places.tolist() == sorted(places)
            np.testing.assert_array_equal(part.labels, whole.labels[places])
            assert part.names == tuple(whole.names[place] for place in places)
            assert part.kinds == tuple(whole.kinds[place] for place in places)
        assert len(kinds) // count <= held.size <= -(-len(kinds) // count)
        for kind, total in Counter(kinds).items():
            assert abs(sum(name[0] == kind for name in held.names) - total / count) < 1


def test_folds_are_drawn_by_their_seed_and_need_two_pictures_each_way() -> None:
    whole = numbered("PN" * 40)
    first, again, other = (whole.folds(seed=seed)[0][1].names for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 16
    for count in (-1, 0, 1, 81):
        with pytest.raises(ValueError, match=f"cannot make {count} folds of 80 pictures: use 2 to 80"):
            whole.folds(count)


def test_take_selects_by_position_or_by_mask_and_arrays_are_what_a_trainer_takes() -> None:
    whole = numbered("PHNpn")
    picked = whole.take(np.array([3, 0]))
    assert (picked.names, picked.kinds, picked.labels.tolist()) == (("p3", "P0"), ("?", "P"), [1, 1])
    masked = whole.take(whole.labels == 0)
    assert masked.names == ("H1", "N2", "n4")
    assert isinstance(whole.arrays, datasets.Split)
    assert whole.arrays.images is whole.images
    assert whole.arrays.labels is whole.labels
