"""Release the homework: python -m tools.homework [--check]. Sources with solutions in, notebooks without them out.

A source is notebooks/src/homework/hwN_name.py. Cells tagged `solution` are left out of the notebook, and cells tagged
`stub`, the empty sketches in their place, are left out of the reference that the tests grade. A released notebook is
executed, so that a student sees what a check looks like before the first line is written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from tools.build import _write  # whole or not at all
from tools.chapters import BuildError
from tools.execution import METADATA, execute
from tools.notebooks import ROOT, same_cells

__all__ = ["homework_names", "main", "reference", "released"]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Release every homework whose source changed, or say which are stale; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.homework", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what is stale, and release nothing")
    parser.add_argument("--force", action="store_true", help="execute even where nothing changed")
    options = parser.parse_args(arguments)
    status = 0
    for name in homework_names(root):
        path = root / "notebooks" / "homework" / f"{name}.ipynb"
        cells = released(root, name)
        if path.is_file() and not options.force and same_cells(nbformat.read(path, as_version=4).cells, cells):
            continue
        if options.check:
            print(f"{name}: its notebook differs from the source: run make homework")
            status = 1
            continue
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
        try:
            execute(notebook, name, path.parent, "quick")
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        notebook.metadata = nbformat.from_dict(METADATA)
        _write(path, notebook)
        print(f"{name}: released")
    return status


def homework_names(root: Path = ROOT) -> list[str]:
    """Every homework that has a source, in order."""
    return sorted(path.stem for path in (root / "notebooks" / "src" / "homework").glob("hw*.py"))


def released(root: Path, name: str) -> list[Any]:
    """The cells that a student gets: all but the solutions."""
    return [_clean(cell, number) for number, cell in enumerate(_cells(root, name)) if "solution" not in _tags(cell)]


def reference(root: Path, name: str) -> list[str]:
    """The code cells with the solutions in place of the sketches."""
    return [cell.source for cell in _cells(root, name) if cell.cell_type == "code" and "stub" not in _tags(cell)]


def _cells(root: Path, name: str) -> list[Any]:
    path = root / "notebooks" / "src" / "homework" / f"{name}.py"
    return list(jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells)


def _clean(cell: Any, number: int) -> Any:
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    tags = [tag for tag in _tags(cell) if tag != "stub"]
    return make(source=cell.source, metadata={"tags": tags} if tags else {}, id=f"cell-{number}")


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))


if __name__ == "__main__":
    sys.exit(main())
