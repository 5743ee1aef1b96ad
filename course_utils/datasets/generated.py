"""Ten shapes and textures drawn by formula, in CIFAR-10's form: what runs where no photographs are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.datasets.splits import Split

__all__ = ["SHAPES", "drawn_shapes"]

SIZE = 32  # pixels each way
HUE_SPREAD = 1.5  # radians around each class's own hue, of which there are ten in the circle
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def drawn_shapes(n: int, seed: int) -> Split:
    """n pictures uint8 [n, 3, 32, 32] of the ten SHAPES, as many of each as of any other (give or take one), mixed.

    Place, size, rotation, colours, uneven background, noise and a bar that may cover a part vary from picture to
    picture. Form tells the class; colour tells a little, as it does in photographs, where ships lie on blue.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % len(SHAPES))
    shape, bar = _coverage(labels, rng)
    ground = _uneven(rng, n, 0.15) + rng.uniform(0.1, 0.4, (n, 3, 1, 1))
    turn = labels * 2 * np.pi / len(SHAPES) + rng.standard_normal(n) * HUE_SPREAD
    hue = np.cos(turn[:, None] - np.arange(3) * 2 * np.pi / 3)[:, :, None, None]  # [N, 3, 1, 1]
    paint = rng.uniform(0.2, 0.5, (n, 1, 1, 1)) + 0.15 * hue + _uneven(rng, n, 0.1)
    pictures = ground + shape[:, None] * paint
    pictures += bar[:, None] * (rng.uniform(0, 1, (n, 3, 1, 1)) - pictures)
    pictures += rng.standard_normal(pictures.shape) * rng.uniform(0.02, 0.12, (n, 1, 1, 1))
    return Split(np.round(255 * pictures.clip(0, 1)).astype(np.uint8), labels.astype(np.int64))


def _coverage(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How much of each pixel lies in the shape and in a bar beside or across it: two arrays [N, 32, 32] of 0 to 1."""
    n = len(labels)
    radius = rng.uniform(8, 13, (n, 1, 1))  # in pixels
    u, v = _turned(rng, n, turn=0.6, reach=4)
    shape = np.empty((n, SIZE, SIZE))
    for label, distance in enumerate(SHAPES.values()):
        mine = labels == label
        shape[mine] = distance(u[mine] / radius[mine], v[mine] / radius[mine])
    across, _ = _turned(rng, n, turn=np.pi, reach=12)
    bar = np.abs(across) - rng.uniform(0, 1.5, (n, 1, 1))
    return (0.5 - shape * radius).clip(0, 1), (0.5 - bar).clip(0, 1)  # an edge is one pixel wide


def _turned(rng: np.random.Generator, n: int, turn: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates [n, 32, 32] in pixels, turned by up to `turn` radians around a point up to `reach` off the middle."""
    angle = rng.uniform(-turn, turn, (n, 1, 1))
    middle = SIZE / 2 - 0.5 + rng.uniform(-reach, reach, (2, n, 1, 1))
    y = np.arange(SIZE)[:, None] - middle[0]
    x = np.arange(SIZE)[None, :] - middle[1]
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _uneven(rng: np.random.Generator, n: int, strength: float) -> np.ndarray:
    """Smooth colour [n, 3, 32, 32] that runs between random values at the four corners."""
    corners = rng.uniform(-strength, strength, (n, 3, 2, 2))
    along = np.stack([np.linspace(1, 0, SIZE), np.linspace(0, 1, SIZE)])  # [2, 32]
    return along.T @ corners @ along


# Each form as a distance from its edge, in units of its radius: below 0 inside. x, y -> array of the same shape.


def _disk(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(x, y) - 0.85


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(x, y) - 0.7) - 0.2


def _crescent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.hypot(x, y) - 0.9, 0.75 - np.hypot(x - 0.45, y))


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(x), np.abs(y)) - 0.75


def _triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(x) * np.sqrt(3) / 2 + y / 2, -y) - 0.5


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    wide, narrow = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    return np.maximum(wide - 0.9, narrow - 0.25)


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.hypot(x, y) - 0.62 - 0.3 * np.cos(5 * np.arctan2(y, x))) / 2


def _stripes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(_disk(x, y), np.sin(7 * x) / 7)


def _checks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(_disk(x, y), np.sin(5 * x) * np.sin(5 * y) / 5)


def _dots(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(_disk(x, y), np.hypot((x + 0.3) % 0.6 - 0.3, (y + 0.3) % 0.6 - 0.3) - 0.18)


SHAPES: dict[str, Distance] = {
    "disk": _disk,
    "ring": _ring,
    "crescent": _crescent,
    "square": _square,
    "triangle": _triangle,
    "cross": _cross,
    "star": _star,
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
}
