"""The homeworks by name; each lies in a module of its own, which is imported when it is asked for."""

from __future__ import annotations

import importlib

from course_utils.homework.questions import Assignment

__all__ = ["NAMES", "assignment"]

NAMES = ("hw1", "hw2", "hw3", "hw4", "hw5", "hw6", "hw7")


def assignment(name: str) -> Assignment:
    """The homework of this name; raises ValueError, with the names that exist."""
    if name not in NAMES:
        raise ValueError(f"there is no homework {name!r}: use one of {', '.join(NAMES)}")
    module = importlib.import_module(f"course_utils.homework.{name}")
    found: Assignment = module.ASSIGNMENT
    return found
