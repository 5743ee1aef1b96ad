"""Turn a chapter's source into its executed notebook: python -m tools.build [NAME …] [--check] [--force].

One after the other, so that what a chapter times is not disturbed. Nothing that is up to date is touched.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat

from tools.chapters import BuildError, read_chapters, readme_with_table
from tools.execution import METADATA, execute
from tools.guards import complaints
from tools.notebooks import ROOT, code_hash, notebook_path, read_source, same_cells, source_names
from tools.pictures import shrink_pictures, write_cover

__all__ = ["build", "main", "state", "write_readme"]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Build or check the named chapters, or all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a chapter, such as 01_convolution or 01")
    parser.add_argument("--check", action="store_true", help="say what is stale, and build nothing")
    parser.add_argument("--force", action="store_true", help="execute even where nothing changed")
    options = parser.parse_args(arguments)
    try:
        names = _chosen(root, options.names)
        if options.check:
            return _check(root, names)
        for name in names:
            build(root, name, force=options.force)
        print(write_readme(root))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def state(root: Path, name: str) -> str:
    """What a chapter is: "missing", "edited" (cells differ from the source), "stale" (outputs do) or "fresh"."""
    path = notebook_path(root, name)
    if not path.is_file():
        return "missing"
    notebook = _read(path)
    cells = read_source(root, name)
    if not same_cells(notebook.cells, cells):
        return "edited"
    return "fresh" if _executed(notebook, code_hash(root, cells)) else "stale"


def build(root: Path, name: str, force: bool = False) -> None:
    """Bring one notebook up to date and say in a line what was done.

    It is executed where its code, the package behind it or the profile changed. Where only prose, order of
    prose or tags did, the outputs are kept. Raises BuildError where a cell fails; nothing is overwritten then.
    """
    path = notebook_path(root, name)
    profile = os.environ.get("COURSE_PROFILE") or "full"
    cells = read_source(root, name)
    digest = code_hash(root, cells)
    old = _read(path) if path.is_file() else None
    if force or not old or not _executed(old, digest) or old.metadata.course.profile != profile:
        old = None  # its outputs are of no use
    if old and same_cells(old.cells, cells):
        print(f"{name}: up to date")
        return
    notebook = nbformat.v4.new_notebook(cells=cells)
    started = time.monotonic()
    if old:
        _keep_outputs(old, notebook)
    else:
        execute(notebook, name, root / "notebooks", profile)
    seconds = time.monotonic() - started
    shrink_pictures(notebook.cells)
    notebook.metadata = nbformat.from_dict({**METADATA, "course": {"hash": digest, "profile": profile}})
    _write(path, notebook)
    write_cover(path, notebook)
    print(f"{name}: outputs kept, text renewed" if old else f"{name}: executed in {seconds:.0f} s")
    minutes = read_chapters(root).get(name, {}).get("minutes")
    if minutes and profile == "full" and seconds > 60 * minutes:
        print(f"  warning: its card promises {minutes} min; change minutes in chapters.toml")
    for complaint in complaints(notebook, path):
        print(f"  warning: {complaint}")


def write_readme(root: Path) -> str:
    """Renew the chapter table in README.md; returns what was done. Missing markers are only told."""
    path = root / "README.md"
    try:
        wanted = readme_with_table(root)
    except (BuildError, FileNotFoundError) as error:
        return f"README.md: chapter table not written. {error}"
    if path.read_text(encoding="utf-8") == wanted:
        return "README.md: up to date"
    path.write_text(wanted, encoding="utf-8", newline="\n")
    return "README.md: chapter table renewed"


def _chosen(root: Path, asked: list[str]) -> list[str]:
    names = source_names(root)
    chosen = []
    for name in (Path(text).name.removesuffix(".py").removesuffix(".ipynb") for text in asked):
        matches = [known for known in names if known == name or known.split("_")[0] == name]
        if not matches:
            near = difflib.get_close_matches(name, names, 1, 0.3) or names[:1]
            hint = f": did you mean {near[0]}?" if near else ", and notebooks/src holds none"
            raise BuildError(f"There is no chapter {name}{hint}")
        chosen += matches
    return chosen or names


def _check(root: Path, names: list[str]) -> int:
    """Say which notebooks are stale. Only cells that differ from the source fail."""
    status = 0
    for name in names:
        found = state(root, name)
        if found in ("missing", "edited"):
            what = "has no notebook" if found == "missing" else "its notebook differs from the source"
            print(f"{name}: {what}: run python -m tools.build {name}")
            status = 1
        elif found == "stale":
            print(f"{name}: warning: its outputs are older than the code behind them")
    try:
        if (root / "README.md").read_text(encoding="utf-8") != readme_with_table(root):
            raise BuildError("README.md: its chapter table is stale: run python -m tools.build")
    except (BuildError, FileNotFoundError) as error:
        print(error)
        status = 1
    return status


def _executed(notebook: Any, digest: str) -> bool:
    """Whether the notebook holds the outputs of the code with this hash."""
    ran = all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())
    return ran and notebook.metadata.get("course", {}).get("hash") == digest


def _keep_outputs(old: Any, new: Any) -> None:
    code = [[cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (old, new)]
    for before, after in zip(*code, strict=True):
        after.outputs, after.execution_count = before.outputs, before.execution_count


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, ValueError) as error:
        raise BuildError(f"{path.name} is not a notebook ({error}): delete it and build again") from None


def _write(path: Path, notebook: Any) -> None:
    """Whole or not at all."""
    nbformat.validate(notebook)
    part = path.with_suffix(".part")
    part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
