"""Results of runs too long for a chapter, as the scripts in benchmarks/ stored them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.settings import repository

__all__ = ["stored", "stored_names"]


def stored(name: str) -> Any:
    """What benchmarks/results/NAME.json of the clone holds.

    Raises CourseError where it is missing or damaged, or where the package runs without a clone.
    """
    path = _folder() / f"{name}.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CourseError(
            f"{path} is missing: get it back with `git checkout -- {path.name}` in its folder, or run the script in "
            "benchmarks/ that writes it"
        ) from None
    except ValueError as error:
        raise CourseError(f"{path} is damaged ({error}): get it back with git, or run its script again") from None


def stored_names(beginning: str) -> list[str]:
    """The names of all stored results that begin so, sorted; [] where there are none."""
    return sorted(path.stem for path in _folder().glob(f"{beginning}*.json"))


def _folder() -> Path:
    clone = repository()
    if clone is None:
        raise CourseError("course_utils runs without its clone, where the stored results lie: work in a clone")
    return clone / "benchmarks" / "results"
