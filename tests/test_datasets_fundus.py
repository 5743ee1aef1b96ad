"""The fundus photographs: PALM where it lies, the generated pictures, splits that know their kinds, and folds."""

from collections import Counter

import numpy as np
import pytest

from course_utils import datasets, settings
from course_utils.datasets.fundus_splits import without_duplicates
from course_utils.datasets.generated_fundus import drawn_fundus

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
