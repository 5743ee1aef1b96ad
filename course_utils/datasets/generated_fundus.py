"""Pictures drawn to resemble fundus photographs: what the screening chapter runs on where PALM is not to be had."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from course_utils.datasets.fundus_pictures import SIDE
from course_utils.datasets.fundus_splits import FundusSplit

__all__ = ["drawn_fundus"]

Place = tuple[float, float]
SHARES = {"P": 0.5, "H": 0.15, "N": 0.35}
Y, X = (np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5) * (2 / SIDE) - 1  # [224, 224] each, -1 to 1
EDGE = ((0.995 - np.hypot(X, Y)) * SIDE / 2).clip(0, 1)  # the camera's round field


def _colour(*channels: float) -> np.ndarray:
    return np.array(channels, dtype=np.float32)[:, None, None]  # [3, 1, 1]


YELLOW, PINK, CREAM = _colour(1, 0.9, 0.62), _colour(0.92, 0.55, 0.32), _colour(1, 0.85, 0.55)


def drawn_fundus(n: int, seed: int, kinds_known: bool = True) -> FundusSplit:
    """n generated pictures, uint8 [n, 3, 224, 224]: half P, 15 % H, the rest N, whatever the seed.

    Each is a round field of uneven colour with a vessel tree, an optic disc and a dark fovea. P, label 1: pale atrophy
    around or beside the disc, often a crescent. H: a tessellated ground without it, as some P have too. N: neither.
    Colours, light, haze, places and sharpness vary alike in all; pale spots and thin rims elsewhere mislead.
    With `kinds_known`, names tell the kind (P0001); else they are V0001 and so on, in random order, and kinds "?".
    """
    rng = np.random.default_rng(seed)
    bounds = np.round(np.cumsum(list(SHARES.values())) * n).astype(int)
    drawn = sorted(np.array(list(SHARES))[np.searchsorted(bounds, np.arange(n), side="right")].tolist())
    if not kinds_known:
        drawn = rng.permutation(drawn).tolist()
    images = np.stack([_picture(kind, rng) for kind in drawn]) if n else np.empty((0, 3, SIDE, SIDE), np.uint8)
    shown = drawn if kinds_known else ["V"] * n
    names = tuple(f"{letter}{shown[: place + 1].count(letter):04d}" for place, letter in enumerate(shown))
    labels = np.array([kind == "P" for kind in drawn], dtype=np.int64)
    return FundusSplit(images, labels, names, tuple(shown) if kinds_known else ("?",) * n)


def _picture(kind: str, rng: np.random.Generator) -> np.ndarray:
    """One picture uint8 [3, 224, 224], of a right or a left eye."""
    disc = rng.uniform(-0.75, -0.35), rng.uniform(-0.15, 0.15)  # right and down of the middle
    size = rng.uniform(0.1, 0.16)
    picture = _ground(rng)  # [3, 224, 224], 0 to 1
    tessellation = {"P": rng.uniform(0, 1), "H": rng.uniform(0.7, 1), "N": rng.uniform(0, 0.3)}[kind]
    picture *= 1 + tessellation * _ridges(rng) * _colour(0.45, 0.75, 0.6)
    picture *= 1 - rng.uniform(0.2, 0.6) * _blob((disc[0] + rng.uniform(0.75, 0.9), disc[1] + 0.08), 0.17)  # fovea
    if kind == "P":
        picture = _atrophy(picture, disc, size, rng)
    elif rng.uniform() < 0.5:  # a rim, as many healthy discs have
        picture = _paint(picture, _oval(disc, size * rng.uniform(1.03, 1.15), 0.02), YELLOW, rng.uniform(0.2, 0.5))
    for _ in range(rng.poisson(0.5)):  # reflexes and small deposits, in all kinds
        spot = _oval(_place(rng), rng.uniform(0.03, 0.12), 0.03) * (_noise(rng, 40) > 0.2)
        picture = _paint(picture, spot, YELLOW, rng.uniform(0.2, 0.5))
    picture = _paint(picture, _oval(disc, size, 0.03), PINK, rng.uniform(0.6, 0.95))
    picture = _paint(picture, _blob(disc, size * 0.5), CREAM, rng.uniform(0.2, 0.8))
    picture *= 1 - rng.uniform(0.5, 0.9) * _vessels(disc, rng) * _colour(0.35, 0.65, 0.6)
    return _photographed(picture, rng)


def _ground(rng: np.random.Generator) -> np.ndarray:
    """The retina's colour, from red through brown to a greenish grey, lit unevenly."""
    red = rng.uniform(0.35, 0.75)
    green = red * rng.uniform(0.3, 0.65)
    turn = rng.uniform(0, 2 * math.pi)
    light = 1 + rng.uniform(0, 0.35) * (X * math.cos(turn) + Y * math.sin(turn)) - rng.uniform(0.1, 0.5) * (X**2 + Y**2)
    return (light + 0.12 * _noise(rng, 4) + 0.05 * _noise(rng, 30)) * _colour(red, green, green * rng.uniform(0.2, 0.7))


def _ridges(rng: np.random.Generator) -> np.ndarray:
    """The net of choroidal vessels, [224, 224] of about -0.5 to 0.5: bands where smooth noise crosses zero."""
    crossings = np.minimum(abs(_noise(rng, 9)), abs(_noise(rng, 12)))
    return (np.exp(-((crossings / 0.3) ** 2)) - 0.5) * (0.6 + 0.4 * _noise(rng, 3)).clip(0, 1)


def _atrophy(picture: np.ndarray, disc: Place, size: float, rng: np.random.Generator) -> np.ndarray:
    """Pale tissue that bares the white of the eye: an oval that reaches beyond the disc, mostly towards the fovea."""
    reach = size * rng.uniform(1.4, 2.6)
    right, down = rng.uniform(0.3, 1), rng.uniform(-0.5, 0.5)
    ragged = 0.15 * reach * _noise(rng, 12)
    area = _oval((disc[0] + (reach - size) * right, disc[1] + (reach - size) * down), reach, 0.03, ragged)
    for _ in range(rng.poisson(0.4)):  # patches apart from it
        area = np.maximum(area, _oval(_place(rng), rng.uniform(0.05, 0.15), 0.02, ragged))
    mottled = area * (0.85 + 0.3 * _noise(rng, 35)).clip(0, 1)
    return _paint(picture, mottled, YELLOW * rng.uniform(0.7, 1), rng.uniform(0.4, 0.95))


def _vessels(disc: Place, rng: np.random.Generator) -> np.ndarray:
    """How much of each pixel is vessel, [224, 224] of 0 to 1: arcades around the fovea and branches to all sides."""
    canvas = Image.new("L", (2 * SIDE, 2 * SIDE))
    draw = ImageDraw.Draw(canvas)
    for heading, curl in ((1.3, -1.1), (-1.3, 1.1), (1.5, -0.6), (-1.5, 0.6), (2.4, 0.3), (-2.4, -0.3)):
        _vessel(draw, disc, heading + rng.normal(0, 0.2), curl + rng.normal(0, 0.2), rng.uniform(3.5, 7), rng)
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32) / 255


def _vessel(
    draw: ImageDraw.ImageDraw, start: Place, heading: float, curl: float, width: float, rng: np.random.Generator
) -> None:
    """A winding line from `start` that grows thinner and gives off branches until it is too thin or out of sight."""
    (x, y), step = start, 0.08
    while width > 0.9 and math.hypot(x, y) < 1.05:
        heading += curl * step + rng.normal(0, 0.14)
        before = (x + 1) * SIDE, (y + 1) * SIDE
        x, y = x + step * math.cos(heading), y + step * math.sin(heading)
        draw.line([before, ((x + 1) * SIDE, (y + 1) * SIDE)], fill=255, width=max(round(width), 1))
        width *= 0.95
        if rng.uniform() < 0.18:
            turn = rng.choice((-1, 1)) * rng.uniform(0.4, 0.9)
            _vessel(draw, (x, y), heading + turn, -0.6 * turn, width * rng.uniform(0.4, 0.7), rng)


def _photographed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Haze, sharpness, noise, the camera's round field, and whichever eye it is: uint8 [3, 224, 224]."""
    picture = _paint(picture, 1 + 0.3 * _noise(rng, 2), _colour(0.5, 0.5, 0.45), rng.uniform(0, 0.35) ** 1.5)
    coarse = round(SIDE * rng.uniform(0.45, 1))
    sharp = Image.fromarray(np.ascontiguousarray((255 * picture.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)))
    soft = sharp.resize((coarse, coarse), Image.Resampling.BOX).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    grain = rng.standard_normal((SIDE, SIDE), dtype=np.float32) * rng.uniform(1, 4)
    image = ((np.ascontiguousarray(np.asarray(soft).transpose(2, 0, 1)) + grain) * EDGE).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(image[:, :, :: rng.choice((-1, 1))])


def _place(rng: np.random.Generator) -> Place:
    return rng.uniform(-0.6, 0.7), rng.uniform(-0.6, 0.6)


def _noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise [224, 224] of about -1 to 1, with `cells` bumps each way."""
    coarse = rng.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _oval(centre: Place, radius: float, soft: float, ragged: np.ndarray | float = 0.0) -> np.ndarray:
    """1 inside, 0 outside, with an edge `soft` wide; a little higher than wide, as optic discs are."""
    distance = np.sqrt((X - centre[0]) ** 2 + (0.9 * (Y - centre[1])) ** 2) - radius + ragged
    return (0.5 - distance / soft).clip(0, 1)


def _blob(centre: Place, radius: float) -> np.ndarray:
    return np.exp(((X - centre[0]) ** 2 + (Y - centre[1]) ** 2) * (-0.5 / radius**2))


def _paint(picture: np.ndarray, where: np.ndarray, colour: np.ndarray, strength: float) -> np.ndarray:
    """`picture` with so much of `colour` where `where`, [224, 224] of 0 to 1, says."""
    return picture + strength * where * (colour - picture)
