"""What a reader can touch: one file a demo, each a thin widget over pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.demos.stage import Stage

__all__ = ["show"]


def show(name: str) -> Stage:
    """A demo of the gallery as a widget for a cell of its own; where no kernel runs, one sentence stands for it.

    Raises CourseError for an unknown name.
    """
    from course_utils.demos.gallery import build  # here, so that what needs no widget imports none
    from course_utils.demos.stage import stage

    return stage(build(name))
