"""Whole-batch augmentation gives what a loop over single images gives, drawn as it should be."""

import numpy as np
import paddle
import pytest
from scipy import ndimage

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


def warp_one(turn, zoom, shift, flip):
    def step(image, generator):
        draws = generator.random(5)
        angle, scale, right, down = (2 * draws[:4] - 1) * [np.radians(turn), zoom, shift, shift]
        size = np.array(image.shape[1:])
        from_new = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / (1 + scale)
        if draws[4] < flip:
            from_new[:, 1] *= -1
        middle = (size - 1) / 2
        start = middle + size * (down, right) - from_new @ middle
        return np.stack([ndimage.affine_transform(c, from_new, start, order=0, mode="nearest") for c in image])

    return step


def jitter_one(brightness, contrast, saturation):
    def step(image, generator):
        b, c, s = generator.uniform(-1, 1, 3) * [brightness, contrast, saturation] + [0, 1, 1]
        grey = image.mean(axis=0)
        image = grey + s * (image - grey)
        return image.mean() + c * (image - image.mean()) + b

    return step


PAIRS = {
    **{f"crop {p} {r}": (augment.crop(p, r), crop_one(p, r)) for p in (0, 1, 4, 6) for r in (False, True)},
    "crop beyond the image": (augment.crop(12), crop_one(12, False)),
    **{f"flip {chance}": (augment.flip(chance), flip_one(chance)) for chance in (0, 0.5, 1)},
    **{f"cutout {size}": (augment.cutout(size), cutout_one(size)) for size in (1, 4, 5, 20)},
    **{
        f"warp {how}": (augment.warp(*how), warp_one(*how))
        for how in ((0, 0, 0, 0), (0, 0, 0, 1), (15, 0.1, 0.05, 0.5), (180, 0.9, 0.7, 0.5))
    },
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_equals_its_images_one_by_one(name, seed):
    at_once, single = PAIRS[name]
    images = batch()
    np.testing.assert_array_equal(applied(at_once, images, seed), one_by_one(single, images, seed))


@pytest.mark.parametrize("how", [(0, 0, 0), (0.2, 0.2, 0.2), (3, 1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_equals_its_images_one_by_one(how, channels):
    images = batch(shape=(6, channels, 7, 9))
    at_once = applied(augment.jitter(*how), images)
    np.testing.assert_allclose(at_once, one_by_one(jitter_one(*how), images), atol=2e-6)
    assert (np.abs(at_once - images).max() > 1e-3) == any(how)


def test_warp_takes_what_it_is_told_and_no_more():
    """A bright pixel a third of the height above the middle stays within the turn, the zoom and the shift."""
    images = np.zeros((400, 1, 61, 61), dtype="float32")
    images[:, :, 9:12, 29:32] = 1  # 20 pixels above the middle
    warped = applied(augment.warp(20, 0.1, 0.05, 0.5), images)[:, 0]
    places = np.array([ndimage.center_of_mass(picture) for picture in warped]) - 30
    assert np.abs(places[:, 1]).max() < 22 * np.sin(np.radians(20)) + 0.05 * 61 + 1
    assert -22 - 0.05 * 61 - 1 < places[:, 0].min() < -22
    assert -18 * np.cos(np.radians(20)) < places[:, 0].max() < -18 * np.cos(np.radians(20)) + 0.05 * 61 + 1
    assert abs(places[:, 1].mean()) < 1
    slope = np.tile(np.arange(4, dtype="float32"), (1000, 1, 4, 1))
    flipped = (applied(augment.warp(0, 0, 0, 0.3), slope)[:, 0, 0, 0] == 3).sum()
    assert abs(flipped - 300) < 4 * np.sqrt(1000 * 0.3 * 0.7)


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
    step = augment.in_turn(augment.crop(2), augment.flip(), augment.cutout(3), augment.warp(), augment.jitter())
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
        (lambda: augment.warp(turn=-1), "turn -1, zoom 0.1, shift 0.05, flip 0.5 cannot be"),
        (lambda: augment.warp(zoom=1), "use 0 or more, zoom below 1, flip up to 1"),
        (lambda: augment.warp(flip=1.1), "use 0 or more, zoom below 1, flip up to 1"),
        (lambda: augment.jitter(brightness=-1), "brightness -1, contrast 0.2, saturation 0.2 cannot be"),
        (lambda: augment.jitter(contrast=1.5), "the last two up to 1"),
        (lambda: augment.standardize([0.5], [0.2, 0.2]), "give one a channel"),
        (lambda: augment.standardize([0.5], [0.0]), "std above 0"),
        (lambda: applied(augment.crop(7, reflect=True), batch()), "padding 7 mirrors no image of 7 x 9"),
    ],
)
def test_wrong_arguments(make, says):
    with pytest.raises(ValueError, match=says):
        make()
