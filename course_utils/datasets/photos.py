"""Real photographs that scikit-image brings in its wheel, so that nothing is downloaded."""

from __future__ import annotations

import difflib

import numpy as np

from course_utils.errors import CourseError

__all__ = ["photo_credit", "photos"]

# Name -> who made it and on what terms, as scikit-image's documentation of each picture tells.
CREDITS = {
    "astronaut": "Eileen Collins; NASA Great Images, public domain",
    "brick": "Brick wall; CC0Textures, CC0",
    "camera": "Cameraman; Lav Varshney, CC0",
    "chelsea": "Chelsea the cat; Stéfan van der Walt, CC0",
    "clock": "Wall clock, taken with a moving camera; Stéfan van der Walt, public domain",
    "coffee": "Coffee cup; Rachel Michetti, CC0",
    "coins": "Greek coins from Pompeii; Brooklyn Museum Collection, no known copyright restrictions",
    "grass": "Grass; linolafett (DeviantArt), CC0",
    "gravel": "Gravel; CC0Textures, CC0",
    "hubble_deep_field": "Hubble eXtreme Deep Field; NASA, public domain",
    "immunohistochemistry": "Colonic glands, stained; CMMI, no known copyright restrictions",
    "retina": "Fundus of a normal left eye; Mikael Häggström (2014), doi 10.15347/wjm/2014.008, CC0",
    "rocket": "Falcon 9 with DSCOVR; SpaceX, public domain",
}


def photos(name: str) -> np.ndarray:
    """A photograph by name ("camera", "coins", "retina", …): uint8 [1, C, H, W], C 1 (grey) or 3 (RGB).

    Raises CourseError for an unknown name.
    """
    _known(name)
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    channels = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)  # [C, H, W]
    return np.ascontiguousarray(channels[None], dtype=np.uint8)


def photo_credit(name: str) -> str:
    """What the photograph shows, who made it and its licence: one line to stand below it."""
    _known(name)
    return f"{CREDITS[name]} (from scikit-image)"


def _known(name: str) -> None:
    if name not in CREDITS:
        near = difflib.get_close_matches(name.lower(), CREDITS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(CREDITS)}"
        raise CourseError(f"no photograph is called {name!r}: {hint}")
