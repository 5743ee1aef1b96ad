"""Copies of the chapters for a student: what the student changed stays, what is untouched follows the clone."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from course_utils.errors import CourseError

__all__ = ["hand_out"]

MANIFEST = ".course.json"


class Hashes(NamedTuple):
    """What a file is known by: that of its bytes and, for a notebook, of its cells without their outputs."""

    file: str
    cells: str


def hand_out(notebooks: Path, study: Path, reset: Sequence[str] = ()) -> list[str]:
    """Bring `study` up to date with the chapters, homework and pictures of `notebooks`; returns what to tell.

    A file that is missing is copied, and one that is as it was copied follows the clone. A file whose bytes changed
    (edited, or only run: its outputs are the student's) is kept, and a newer edition with other cells is announced.
    reset: chapters by number or name ("06", "hw1", "06_lenet_digits"): they become fresh, changed ones kept aside.
    Raises CourseError for an unknown chapter, where there is none at all, and where `study` cannot be written.
    """
    editions = {path.relative_to(notebooks).as_posix(): path for path in _editions(notebooks)}
    if not editions:
        raise CourseError(f"there is no chapter in {notebooks}: take a whole clone, or run `make build` as an author")
    fresh = {name for asked in reset for name in _find(asked, editions)}
    told: list[str] = []
    try:
        study.mkdir(parents=True, exist_ok=True)
        copied = _read_manifest(study)
        for name, edition in editions.items():
            told += _hand_out_one(name, edition, study / name, copied, reset=name in fresh)
        _write(study / MANIFEST, json.dumps(copied, indent=1).encode())
    except OSError as error:
        raise CourseError(
            f"the chapters could not be copied to {study}: {error}: mend that, then run this again"
        ) from error
    return told


def _hand_out_one(name: str, edition: Path, target: Path, copied: dict[str, Hashes], reset: bool) -> list[str]:
    """Copy one file where that loses nothing, and record it in `copied`."""
    newest, before = _hashes(edition), copied.get(name)
    now = _hashes(target) if target.exists() else None
    untouched = now is None or now.file == newest.file or (before is not None and now.file == before.file)
    if now is not None and not untouched and not reset:
        if newest.cells in (now.cells, before.cells if before else ""):
            return []
        return [f"{name} has a newer edition, and yours is kept: `course study --reset {_short(name)}` gives it to you"]
    told = []
    if reset:
        kept = "" if untouched else f", and yours is kept as {_keep_aside(target).name}"
        told = [f"{name} is fresh{kept}"]
    if now is None or now.file != newest.file:
        _write(target, edition.read_bytes())
    copied[name] = newest
    return told


def _editions(notebooks: Path) -> Iterator[Path]:
    yield from sorted(notebooks.glob("*.ipynb"))
    yield from sorted(notebooks.glob("homework/*.ipynb"))
    yield from sorted(path for path in notebooks.glob("pictures/**/*") if path.is_file())


def _short(name: str) -> str:
    """What a student types for it: "06" for 06_lenet_digits.ipynb, the whole name for a picture."""
    return Path(name).stem.split("_")[0] if name.endswith(".ipynb") else name


def _find(asked: str, editions: dict[str, Path]) -> list[str]:
    number = asked.zfill(2) if asked.isdigit() else asked
    found = [name for name in editions if number in (_short(name), Path(name).stem, Path(name).name, name)]
    if found:
        return found
    known = sorted({_short(name) for name in editions if name.endswith(".ipynb")})
    whole = {Path(name).stem: _short(name) for name in editions if name.endswith(".ipynb")}
    near = difflib.get_close_matches(number, [*known, *whole], n=1, cutoff=0.5)
    hint = f"did you mean {whole.get(near[0], near[0])}?" if near else f"use one of {', '.join(known)}"
    raise CourseError(f"there is no chapter or homework {asked!r}: {hint}")


def _keep_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.kept-{number}{path.suffix}")).exists():
        number += 1
    return path.rename(aside)


def _hashes(path: Path) -> Hashes:
    content = path.read_bytes()
    file = cells = hashlib.sha256(content).hexdigest()
    if path.suffix == ".ipynb":
        try:
            sources = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(content)["cells"]]
            cells = hashlib.sha256(json.dumps(sources).encode()).hexdigest()
        except (ValueError, KeyError, TypeError):  # a damaged notebook is known by its bytes alone
            pass
    return Hashes(file, cells)


def _read_manifest(study: Path) -> dict[str, Hashes]:
    """What was copied last time; nothing where that is not known, which only makes us keep more."""
    try:
        return {name: Hashes(*hashes) for name, hashes in json.loads((study / MANIFEST).read_bytes()).items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
