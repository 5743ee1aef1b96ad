"""The gallery: which demos there are, what each shows, and when in which chapter a class needs it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.demos.stage import Demo

__all__ = ["GALLERY", "Card", "build", "card", "words"]


@dataclass(frozen=True)
class Card:
    """What the gallery tells of a demo: `name` is also its module's, `minutes` what it takes in front of a class."""

    name: str
    title: str
    sentence: str
    chapter: str
    minutes: int
    question: str
    answer: str


GALLERY: tuple[Card, ...] = (
    Card(
        name="kernel_editor",
        title="Kernel editor",
        sentence="Nine numbers turn a photograph into its blur, its edges or itself: change one and watch the output.",
        chapter="01",
        minutes=5,
        question="Which sum must the nine weights have so that a flat wall comes out black?",
        answer="0, as in Sobel's and the Laplacian kernel: on a flat region every window holds one value v nine times, "
        "so the output is v times the sum of the weights. With the sum 1 the wall keeps its brightness.",
    ),
)
"""All demos in the order of the chapters."""


def card(name: str) -> Card:
    """The card of that name; raises CourseError, with the nearest name, where there is none."""
    cards = {each.name: each for each in GALLERY}
    if name not in cards:
        near = get_close_matches(name, cards, n=1, cutoff=0.4)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(cards)}"
        raise CourseError(f"no demo is called {name!r}: {advice}")
    return cards[name]


def words(name: str) -> dict[str, str]:
    """The text of a card as keyword arguments of `Demo`, so that a demo's module does not repeat it."""
    found = card(name)
    return {key: getattr(found, key) for key in ("name", "title", "sentence", "chapter", "question", "answer")}


def build(name: str) -> Demo:
    """The demo of that name, built by its module's `demo()`; this is where Paddle is imported and nets are trained.

    Raises CourseError for an unknown name.
    """
    return importlib.import_module(f"course_utils.demos.{card(name).name}").demo()
