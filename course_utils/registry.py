"""The data sets that the course knows: whether each is here and whole, and how to get it."""

from __future__ import annotations

import difflib
import sys
from functools import cache
from pathlib import Path
from typing import Any

from course_utils.acquire import fill
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File, Finding, Pictures
from course_utils.settings import data_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["entries", "entry", "find", "get", "inspect", "verify"]


@cache
def entries() -> dict[str, Entry]:
    """All data sets by name, in the order of registry.toml."""
    text = Path(__file__).with_name("registry.toml").read_text(encoding="utf-8")
    return {name: _entry(name, fields) for name, fields in tomllib.loads(text).items()}


def entry(name: str) -> Entry:
    """The data set of that name; CourseError with the nearest name where there is none."""
    known = entries()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
    raise CourseError(f"no data set is called {name!r}: {hint}")


def find(name: str) -> Path | None:
    """The folder in which the data set lies, whole or not; None where nothing of it is there.

    Raises CourseError for an unknown name, or where a file is in the folder's place.
    """
    there = any(finding.problem != "is missing" for finding in inspect(name, bytes_too=False))
    return data_dir() / name if there else None


def inspect(name: str, bytes_too: bool = True) -> list[Finding]:
    """Each file of the set, and what is wrong with it; without `bytes_too`, checksums are left out.

    Raises CourseError for an unknown name, or where a file is in the folder's place.
    """
    return entry(name).inspect(data_dir() / name, bytes_too)


def verify(name: str) -> str:
    """Compare every file with its checksum; one line about each.

    Raises CourseError that names the first file that is missing or damaged, and says what to do.
    """
    findings = inspect(name)
    for finding in findings:
        if finding.problem:
            source = "" if entry(name).mirrors else " --from FOLDER_OR_ZIP"
            path = data_dir() / name / finding.name
            raise CourseError(f"{path} {finding.problem}: run `course data get {name}{source}`")
    return "\n".join(f"{name}/{finding.name}: whole" for finding in findings)


def get(name: str, source: Path | None = None, timeout: float = 30) -> Path:
    """Bring a data set into the data folder, unless it is there and whole; return its folder.

    source: a folder, file or archive to take it from instead of the network. timeout: seconds without an answer.
    Raises CourseError that says what went wrong and what to do. Whatever is placed was checked first.
    """
    folder = data_dir() / name
    fill(entry(name), folder, source, timeout)
    return folder


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    return Entry(
        **{
            **fields,
            "name": name,
            "mirrors": tuple(fields.get("mirrors", ())),
            "files": tuple(_file(file) for file in fields.get("files", ())),
            "pictures": tuple(Pictures(**row) for row in fields.get("pictures", ())),
            "tables": tuple(fields.get("tables", ())),
        }
    )


def _file(fields: dict[str, Any]) -> File:
    return File(**{**fields, "unpacked": tuple(File(**part) for part in fields.get("unpacked", ()))})
