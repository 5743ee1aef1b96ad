"""Training images that are a little different each time, a whole batch at once and on its own device.

A few products of arrays do it, at about a hundredth of a small net's training step (benchmarks/README.md). Every step
is an `Augmentation`, (batch [N, C, H, W], NumPy generator) -> batch, and draws for one image after the other, so
that a loop over single images with the same generator gives the same pictures.

    trainer = Trainer(net, optimizer, augment=augment.in_turn(augment.crop(4), augment.flip()))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import paddle
import paddle.nn.functional as F

__all__ = ["Augmentation", "crop", "cutout", "flip", "in_turn", "jitter", "standardize", "warp"]

Augmentation = Callable[[paddle.Tensor, np.random.Generator], paddle.Tensor]


def crop(padding: int = 4, reflect: bool = False) -> Augmentation:
    """Each image seen through a window of its own size, moved by -padding to padding pixels both ways.

    What lies outside is 0 (the mean colour, where images are standardized), or with `reflect` mirrored at the border
    pixel. Each shift is as likely as any other. Both ways the window is a product with a matrix of zeros and ones.
    Source: He et al., Deep residual learning for image recognition, 2016, section 4.2.
    Raises ValueError for a negative padding, and where an image is too small to be mirrored that far.
    """
    if padding < 0:
        raise ValueError(f"padding {padding} is negative: use 0 or more")

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        height, width = images.shape[2:]
        if reflect and padding >= min(height, width):
            raise ValueError(f"padding {padding} mirrors no image of {height} x {width}: use less than its size")
        shifts = generator.integers(-padding, padding, (len(images), 2), endpoint=True)
        rows = _window(shifts[:, 0], height, reflect).astype(images.dtype)  # [N, 1, H, H]
        columns = _window(shifts[:, 1], width, reflect).astype(images.dtype)  # [N, 1, W, W]
        return paddle.matmul(rows @ images, columns, transpose_y=True)

    return augment


def flip(chance: float = 0.5) -> Augmentation:
    """Each image mirrored left to right with this chance. Raises ValueError for a chance outside 0 to 1."""
    if not 0 <= chance <= 1:
        raise ValueError(f"chance {chance} is not between 0 and 1: use for example 0.5")

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        pixels = np.eye(images.shape[3], dtype=bool)
        mirrored = generator.random(len(images)) < chance
        columns = np.where(mirrored[:, None, None, None], pixels[::-1], pixels)  # [N, 1, W, W]
        return images @ paddle.to_tensor(columns).astype(images.dtype)  # faster than paddle.where and paddle.flip

    return augment


def cutout(size: int = 8) -> Augmentation:
    """A square of size x size pixels set to 0 in each image, its centre at any pixel, so that it may stick out.

    Source: DeVries, Taylor: Improved regularization of convolutional neural networks with cutout, 2017, section 3.
    Raises ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError(f"size {size} cuts nothing out: use 1 or more")

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        corners = generator.integers(0, images.shape[2:], (len(images), 2)) - size // 2
        rows, columns = (_inside(corners[:, axis], images.shape[2 + axis], size) for axis in range(2))
        kept = ~(rows[:, None, :, None] & columns[:, None, None, :])  # [N, 1, H, W]
        kept = np.broadcast_to(kept, images.shape)  # here, since Paddle is slow at it on CPU
        return images * paddle.to_tensor(kept).astype(images.dtype)

    return augment


def warp(turn: float = 15, zoom: float = 0.1, shift: float = 0.05, flip: float = 0.5) -> Augmentation:
    """Each image mirrored left to right, turned, enlarged and moved, all in one look-up of the pixel that lies nearest.

    turn: at most so many degrees either way about the middle. zoom: to 1 - zoom up to 1 + zoom of its size. shift: at
    most this share of height and of width, both ways. flip: the chance of a mirror image. Beyond the border the pixel
    of the border goes on. Five times as fast as mixing the four pixels around each place.
    Raises ValueError for a negative value, a zoom of 1 or more, or a chance above 1.
    """
    if min(turn, zoom, shift, flip) < 0 or zoom >= 1 or flip > 1:
        raise ValueError(
            f"turn {turn}, zoom {zoom}, shift {shift}, flip {flip} cannot be: use 0 or more, zoom below 1, flip up to 1"
        )

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        height, width = images.shape[2:]
        draws = generator.random((len(images), 5))
        angles, scales, *shifts = ((2 * draws - 1) * [np.radians(turn), zoom, 2 * shift, 2 * shift, 0]).T[:4]
        signs = np.where(draws[:, 4] < flip, -1.0, 1.0)
        along, across = np.cos(angles) / (1 + scales), np.sin(angles) / (1 + scales)
        rows = [  # from a place in the new image to one in the old, both from -1 to 1 along each axis
            [signs * along, -across * height / width, shifts[0]],
            [signs * across * width / height, along, shifts[1]],
        ]
        maps = paddle.to_tensor(np.array(rows).transpose(2, 0, 1)).astype(images.dtype)  # [N, 2, 3]
        places = F.affine_grid(maps, images.shape, align_corners=False)
        return F.grid_sample(images, places, "nearest", "border", align_corners=False)

    return augment


def jitter(brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2) -> Augmentation:
    """Each image's colours changed: x -> m + c (g + s (x - g) - m) + b, with numbers b, c and s drawn for each image.

    b is up to `brightness` either way, in the unit of the batch; c and s are 1 up to `contrast` and `saturation` either
    way. g is a pixel's mean over the channels, m the mean of the whole image. A product with a matrix of channels by
    channels does it. Source: Howard, Some improvements on deep CNN based image classification, 2013, section 2.2.
    Raises ValueError for a negative value, and for a contrast or saturation above 1.
    """
    if min(brightness, contrast, saturation) < 0 or max(contrast, saturation) > 1:
        raise ValueError(
            f"brightness {brightness}, contrast {contrast}, saturation {saturation} cannot be: use 0 or more, the last "
            "two up to 1"
        )

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        channels = images.shape[1]
        changes = generator.uniform(-1, 1, (len(images), 3)) * [brightness, contrast, saturation] + [0, 1, 1]
        b, c, s = changes.T.reshape(3, -1, 1, 1)
        mixes = paddle.to_tensor(c * (s * np.eye(channels) + (1 - s) / channels)).astype(images.dtype)  # [N, C, C]
        pixels = images.flatten(2)
        b, c = (paddle.to_tensor(values).astype(images.dtype) for values in (b, c))
        return (mixes @ pixels + (b + (1 - c) * pixels.mean([1, 2], keepdim=True))).reshape(images.shape)

    return augment


def in_turn(*steps: Augmentation) -> Augmentation:
    """One augmentation that applies these one after the other; none of them leaves the images as they are."""

    def augment(images: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        for step in steps:
            images = step(images, generator)
        return images

    return augment


def standardize(mean: Sequence[float], std: Sequence[float]) -> Callable[[paddle.Tensor], paddle.Tensor]:
    """What `Trainer(prepare=…)` takes: uint8 [N, C, H, W] -> float32 (x / 255 - mean) / std, channel by channel.

    mean, std: one a channel, for values of 0 to 1, as `datasets.channel_statistics(train.images)` gives.
    Raises ValueError where they differ in number or a deviation is not positive.
    """
    if len(mean) != len(std) or not min(std, default=0) > 0:
        raise ValueError(f"mean {list(mean)} and std {list(std)} do not fit: give one a channel, and std above 0")
    means = paddle.to_tensor(255 * np.asarray(mean), "float32")
    variances = paddle.to_tensor((255 * np.asarray(std)) ** 2, "float32")
    # Batch normalization with given statistics is this formula, and on CPU 20 times as fast as its two broadcasts.
    return lambda images: F.batch_norm(images.astype("float32"), means, variances, epsilon=0)


def _window(shifts: np.ndarray, size: int, reflect: bool) -> paddle.Tensor:
    """[N, 1, size, size] of zeros and ones: row k of image n picks the pixel at k + shifts[n], if there is one."""
    pixels = shifts[:, None] + np.arange(size)
    if reflect:
        pixels = np.abs(pixels)
        pixels = size - 1 - np.abs(size - 1 - pixels)
    return paddle.to_tensor(pixels[:, None, :, None] == np.arange(size))


def _inside(starts: np.ndarray, size: int, length: int) -> np.ndarray:
    """[N, size]: which of the pixels 0 to size - 1 lie in the `length` pixels from each start."""
    pixels = np.arange(size) - starts[:, None]
    return (pixels >= 0) & (pixels < length)
