"""Find what students handed in, and read the code cells of each, whatever state it is in.

    for found in submissions(Path("handed_in.zip")):
        sheet = read_sheet(found.path)

Nothing of a submission is run here, and nothing is unpacked but single notebooks under names of our own. A notebook
that is larger than a page of outputs explains is read by a process of its own, so that it cannot fill our memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from course_utils.errors import CourseError
from course_utils.homework.values import TEXT, printable

__all__ = ["Found", "Sheet", "read_sheet", "sheet_of", "submissions"]

LARGEST = 256 * 2**20  # bytes of one notebook
DIRECT = 2**20  # up to this a notebook is read in this process; JSON may take 30 times as many bytes once it is read
RATIO = 200  # of a zip's unpacked to its packed bytes: text packs to a fifth, outputs to a fiftieth
CODE = 2**20  # characters of code in one notebook
IDENTITY = re.compile(r"(?:student\s*id|学号)[^:：\n]{0,20}[:：]\s*([\w.@-]{1,60})", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One file of a submission: where it was, its readable copy, when it was changed; or why it cannot be graded."""

    name: str
    path: Path | None
    changed: datetime
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    """The code cells of a notebook, the student's id where the notebook says it, and what was odd about the file."""

    cells: tuple[str, ...] = ()
    student: str = ""
    notes: tuple[str, ...] = ()
    problem: str = field(default="")


def submissions(source: Path, scratch: Path) -> Iterator[Found]:
    """Every notebook of a file, a folder or a zip, in the order of their names.

    scratch: where notebooks out of zips are copied to, under numbers. Links, zips that unpack to far more than they
    are, and names that lead out of the zip yield a Found with a problem. Raises CourseError where there is nothing.
    """
    if not source.exists():
        raise CourseError(f"{source} does not exist: give a notebook, a folder or a zip of them")
    scratch.mkdir(parents=True, exist_ok=True)
    found = sorted(_inside(source, scratch), key=lambda each: each.name)
    if not found:
        raise CourseError(f"{source} holds no notebook: give the folder or the zip that the students' .ipynb lie in")
    yield from found


def _inside(source: Path, scratch: Path) -> Iterator[Found]:
    if source.is_file():
        yield from _file(source, printable(source.name), scratch)
        return
    for place, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith("."):
                yield from _file(path, printable(path.relative_to(source).as_posix()), scratch)


def _file(path: Path, name: str, scratch: Path) -> Iterator[Found]:
    facts = path.lstat()
    changed = datetime.fromtimestamp(facts.st_mtime)
    if not name.lower().endswith((".ipynb", ".zip")):
        return
    if path.is_symlink() or not stat.S_ISREG(facts.st_mode):
        yield Found(name, None, changed, "it is a link, not a file: ask for the notebook itself")
    elif not os.access(path, os.R_OK):
        yield Found(name, None, changed, "the file may not be read: change its rights")
    elif name.lower().endswith(".zip"):
        yield from _zipped(path, name, scratch)
    else:
        yield Found(name, path, changed)


def _zipped(path: Path, name: str, scratch: Path) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith((".ipynb", ".zip")) and "__MACOSX" not in member.filename:
                    yield _member(archive, member, name, scratch / f"{len(list(scratch.iterdir()))}.ipynb")
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        changed = datetime.fromtimestamp(path.stat().st_mtime)
        yield Found(name, None, changed, f"it is a damaged zip ({printable(str(error))}): ask for it again")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, copy: Path) -> Found:
    label = f"{name}/{printable(_decoded(member))}"
    try:
        changed = datetime(*member.date_time)
    except ValueError:
        changed = datetime(1980, 1, 1)
    if ".." in PurePosixPath(member.filename).parts or member.filename.startswith(("/", "\\")):
        return Found(label, None, changed, "its name leads out of the zip: it was not unpacked")
    if stat.S_ISLNK(member.external_attr >> 16):
        return Found(label, None, changed, "it is a link, not a file: ask for the notebook itself")
    if member.file_size > LARGEST or member.file_size > RATIO * max(member.compress_size, 2**10):
        return Found(label, None, changed, f"it unpacks to {member.file_size:,} bytes: it was not unpacked")
    if member.filename.lower().endswith(".zip"):
        return Found(label, None, changed, "it is a zip in a zip: unpack the outer one")
    try:
        with archive.open(member) as packed, copy.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)  # zipfile stops at file_size, whatever the member holds
    except Exception as error:  # of any kind, by what is damaged and how it is packed
        reason = printable(str(error)) or type(error).__name__
        return Found(label, None, changed, f"it is damaged or locked in its zip ({reason}): ask for it again")
    return Found(label, copy, changed)


def _decoded(member: zipfile.ZipInfo) -> str:
    """Its name; zips from Chinese Windows hold GBK, which zipfile takes for code page 437."""
    if member.flag_bits & 0x800:
        return member.filename
    with contextlib.suppress(UnicodeError):
        return member.filename.encode("cp437").decode("gbk")
    return member.filename


def read_sheet(path: Path) -> Sheet:
    """The sheet of a notebook's file; one that cannot be read has a problem, in a sentence, and no cells."""
    size = path.stat().st_size
    if size > LARGEST:
        return Sheet(problem=f"the file has {size:,} bytes: ask for it with its outputs cleared")
    if size <= DIRECT:
        return sheet_of(path.read_bytes())
    command = [sys.executable, "-m", "course_utils.homework.submissions", str(path)]
    run = subprocess.run(command, capture_output=True, check=False)  # it limits its own time
    if run.returncode:
        return Sheet(problem=f"the file of {size:,} bytes cannot be read: ask for it with its outputs cleared")
    cells, student, notes, problem = json.loads(run.stdout)
    if not problem:
        notes.append(f"the file has {size // 2**20} MB: only its cells were read")
    return Sheet(tuple(cells), student, tuple(notes), problem)


def sheet_of(data: bytes) -> Sheet:
    """The sheet of a notebook's bytes: any version of the format, with or without metadata."""
    notes: list[str] = []
    if not data.strip():
        return Sheet(problem="the file is empty: ask for it again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        notes.append("it is not UTF-8: read as Latin-1")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return Sheet(problem="the file is not a notebook: ask for the .ipynb itself")
    cells = _cells(notebook)
    if cells is None:
        return Sheet(problem="the file is JSON but not a notebook: ask for the .ipynb itself")
    sources = [(kind, _text(cell)) for kind, cell in cells]
    student = next((match[1] for _, source in sources[:6] if (match := IDENTITY.search(source))), "")
    code = tuple(source for kind, source in sources if kind == "code" and source.strip())
    if max(map(len, code), default=0) > TEXT or sum(map(len, code)) > CODE:
        return Sheet(problem=f"its code has more than {TEXT:,} characters in a cell or {CODE:,} in all: ask for less")
    return Sheet(code, "" if student == "write" else student, tuple(notes))


def _cells(notebook: Any) -> list[tuple[str, dict[str, Any]]] | None:
    """(kind, cell) of each cell; None where it is no notebook. Before version 4 cells lay in worksheets."""
    if not isinstance(notebook, dict):
        return None
    cells = notebook.get("cells")
    if cells is None and isinstance(sheets := notebook.get("worksheets"), list):
        found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in found if isinstance(part, list) for cell in part]
    if not isinstance(cells, list):
        return None
    return [(str(cell.get("cell_type"))[:20], cell) for cell in cells if isinstance(cell, dict)]


def _text(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def main(path: str) -> None:
    """Read one large notebook and print what is needed of it."""
    from course_utils.homework.sandbox import limit

    limit(memory=4 * 2**30, seconds=100)
    sheet = sheet_of(Path(path).read_bytes())
    print(json.dumps([sheet.cells, sheet.student, sheet.notes, sheet.problem]))


if __name__ == "__main__":
    main(sys.argv[1])
