"""Whole-batch augmentation gives what a loop over single images gives, drawn as it should be."""

import numpy as np
import paddle
import pytest

from course_utils import augment

SHAPE = (6, 3, 7, 9)


def batch(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def applied(step, images, seed=1):
    return step(paddle.to_tensor(images), np.random.default_rng(seed)).numpy()


def one_by_one(step, images, seed=1):
    """A per-sample transform, image after image, with the same generator."""
    generator = np.random.default_rng(seed)
    return np.stack([step(image, generator) for image in images])


def crop_one(padding, reflect):
    def step(image, generator):
        down, right = generator.integers(-padding, padding, 2, endpoint=True) + padding
        how = {"mode": "reflect"} if reflect else {}
        padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)), **how)
        return padded[:, down : down + image.shape[1], right : right + image.shape[2]]

    return step


def flip_one(chance):
    return lambda image, generator: image[:, :, ::-1] if generator.random() < chance else image


def cutout_one(size):
    def step(image, generator):
        top, left = generator.integers(0, image.shape[1:]) - size // 2
        image = image.copy()
        image[:, max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
        return image

    return step


PAIRS = {
    **{f"crop {p} {r}": (augment.crop(p, r), crop_one(p, r)) for p in (0, 1, 4, 6) for r in (False, True)},
    "crop beyond the image": (augment.crop(12), crop_one(12, False)),
    **{f"flip {chance}": (augment.flip(chance), flip_one(chance)) for chance in (0, 0.5, 1)},
    **{f"cutout {size}": (augment.cutout(size), cutout_one(size)) for size in (1, 4, 5, 20)},
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_equals_its_images_one_by_one(name, seed):
    at_once, single = PAIRS[name]
    images = batch()
    np.testing.assert_array_equal(applied(at_once, images, seed), one_by_one(single, images, seed))


def test_in_turn_applies_each_with_the_same_generator():
    images = batch()
    steps = augment.crop(2), augment.flip(), augment.cutout(3)
    generator = np.random.default_rng(1)
    expected = paddle.to_tensor(images)
    for step in steps:
        expected = step(expected, generator)
    np.testing.assert_array_equal(applied(augment.in_turn(*steps), images), expected.numpy())
    np.testing.assert_array_equal(applied(augment.in_turn(), images), images)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_batch_keeps_its_type_and_stays_as_it_was(dtype):
    images = paddle.to_tensor(batch().astype(dtype))
    before = images.numpy().copy()
    step = augment.in_turn(augment.crop(2), augment.flip(), augment.cutout(3))
    after = step(images, np.random.default_rng(0))
    assert str(after.dtype) == f"paddle.{dtype}"
    assert list(after.shape) == list(SHAPE)
    np.testing.assert_array_equal(images.numpy(), before)


def uniform(counts):
    """Pearson's statistic of counts that should be equal, in standard deviations above what chance gives."""
    expected = counts.sum() / counts.size
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - counts.size + 1) / np.sqrt(2 * (counts.size - 1))


def test_every_shift_is_as_likely_as_any_other():
    """A batch and a loop with generators of their own draw the same distribution: uniform over the 25 shifts."""
    number = 5_000
    ramp = np.tile(np.arange(1, 82, dtype="float32").reshape(1, 1, 9, 9), (number, 1, 1, 1))
    for seen in (applied(augment.crop(2), ramp, 3), one_by_one(crop_one(2, False), ramp, 4)):
        values, counts = np.unique(seen[:, 0, 4, 4], return_counts=True)
        assert values.tolist() == [1 + 9 * row + column for row in range(2, 7) for column in range(2, 7)]
        assert uniform(counts) < 4


def test_every_centre_of_a_cut_is_as_likely_and_half_the_images_are_flipped():
    number = 5_000
    ones = np.ones((number, 1, 5, 5), dtype="float32")
    _, rows, columns = np.nonzero(applied(augment.cutout(1), ones, 5)[:, 0] == 0)
    assert len(rows) == number
    assert uniform(np.bincount(5 * rows + columns, minlength=25)) < 4
    slope = np.tile(np.arange(4, dtype="float32"), (number, 1, 1, 1))
    flipped = (applied(augment.flip(), slope, 6)[:, 0, 0, 0] == 3).sum()
    assert abs(flipped - number / 2) < 4 * np.sqrt(number) / 2


def test_the_test_of_equal_counts_can_fail():
    assert uniform(np.array([300, 200, 200, 200])) > 4


def test_standardize_gives_mean_zero_and_deviation_one():
    from course_utils import datasets

    images = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 4), dtype=np.uint8) // np.uint8(2)
    mean, std = datasets.channel_statistics(images)
    prepared = augment.standardize(mean, std)(paddle.to_tensor(images)).numpy()
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(prepared.std(axis=(0, 2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: augment.crop(-1), "padding -1 is negative"),
        (lambda: augment.flip(1.5), "chance 1.5 is not between 0 and 1"),
        (lambda: augment.cutout(0), "size 0 cuts nothing out"),
        (lambda: augment.standardize([0.5], [0.2, 0.2]), "give one a channel"),
        (lambda: augment.standardize([0.5], [0.0]), "std above 0"),
        (lambda: applied(augment.crop(7, reflect=True), batch()), "padding 7 mirrors no image of 7 x 9"),
    ],
)
def test_wrong_arguments(make, says):
    with pytest.raises(ValueError, match=says):
        make()
