"""Copies of the chapters for a student: what the student changed stays, what is untouched follows the clone."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from course_utils.errors import CourseError

__all__ = ["find_editions", "hand_out"]

MANIFEST = ".course.json"


class Hashes(NamedTuple):
    """What a file is known by: its content and, for a notebook, its cells without their outputs.

    A notebook's content is its cells with their outputs: JupyterLab rewrites the rest when it merely opens one.
    """

    file: str
    cells: str


def hand_out(notebooks: Path, study: Path, reset: Sequence[str] = ()) -> list[str]:
    """Bring `study` up to date with the chapters, homework and pictures of `notebooks`; returns what to tell.

    A file that is missing is copied, and one that is as it was copied follows the clone. A file whose content changed
    (edited, or only run: its outputs are the student's) is kept, and a newer edition with other cells is announced.
    reset: chapters by number or name ("06", "hw1", "06_lenet_digits"): they become fresh, changed ones kept aside.
    Raises CourseError for an unknown chapter, where there is none at all, and where `study` cannot be written.
    """
    editions = {path.relative_to(notebooks).as_posix(): path for path in _editions(notebooks)}
    if not editions:
        raise CourseError(f"there is no chapter in {notebooks}: take a whole clone, or run `make build` as an author")
    fresh = {name for asked in reset for name in find_editions(asked, editions)}
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
        _trust(target)
    copied[name] = newest
    return told


def _editions(notebooks: Path) -> Iterator[Path]:
    yield from sorted(notebooks.glob("*.ipynb"))
    yield from sorted(notebooks.glob("homework/*.ipynb"))
    yield from sorted(path for path in notebooks.glob("pictures/**/*") if path.is_file())


def _short(name: str) -> str:
    """What a student types for it: "06" for 06_lenet_digits.ipynb, the whole name for a picture."""
    return Path(name).stem.split("_")[0] if name.endswith(".ipynb") else name


def find_editions(asked: str, editions: dict[str, Path]) -> list[str]:
    """The names of the chapters and homework that a number or name ("6", "06", "hw1", "06_lenet_digits") stands for.

    Raises CourseError, with the nearest, where there is none.
    """
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
    if path.suffix == ".ipynb":
        try:
            cells = json.loads(content)["cells"]
            sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
            outputs = [_without_metadata(cell.get("outputs", [])) for cell in cells]
            return Hashes(_hash(json.dumps([sources, outputs], sort_keys=True)), _hash(json.dumps(sources)))
        except (ValueError, KeyError, TypeError, AttributeError):  # a damaged notebook is known by its bytes alone
            pass
    return Hashes(*[hashlib.sha256(content).hexdigest()] * 2)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _without_metadata(value: Any) -> Any:
    """An output without what an editor may write into it; text that is stored line by line becomes one."""
    if isinstance(value, dict):
        return {
            key: _without_metadata(part) for key, part in value.items() if key not in ("metadata", "execution_count")
        }
    if isinstance(value, list):
        return "".join(value) if all(isinstance(part, str) for part in value) else list(map(_without_metadata, value))
    return value


def _trust(path: Path) -> None:
    """Sign a notebook as the student's own, else JupyterLab leaves the styles of its tables out until it is run."""
    if path.suffix == ".ipynb":
        from nbformat import v4
        from nbformat.sign import NotebookNotary

        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # damaged: nothing to trust
            NotebookNotary().sign(v4.reads(path.read_text(encoding="utf-8")))


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
