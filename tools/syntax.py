"""The syntax trees of cells and modules, and whether a `library` cell still shows what stands in course_utils."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

__all__ = ["Definition", "behaviour", "definitions", "library_cell_faults", "parsed_cell"]

PACKAGE = Path(__file__).resolve().parent.parent / "course_utils"
Definition = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef


def parsed_cell(source: str) -> ast.Module:
    """The syntax tree of a code cell: its lines for IPython (%, !) left out, empty where it is no Python."""
    lines = ["pass" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])  # its execution says so, with the cell


def library_cell_faults(source: str, package: Path = PACKAGE) -> list[str]:
    """What a cell shows that the package has not, or has otherwise; docstrings and types may differ."""
    shown = [node for node in parsed_cell(source).body if isinstance(node, Definition)]
    if not shown:
        return ["is tagged library, and defines nothing"]
    faults = []
    for node in shown:
        originals = definitions(package).get(node.name, [])
        if not originals:
            faults.append(f"shows {node.name}, which does not stand in {package.name}")
        elif behaviour(node) not in originals:
            faults.append(f"shows a {node.name} that differs from the one in {package.name}")
    return faults


@cache
def definitions(package: Path) -> dict[str, list[str]]:
    """The syntax trees of all top-level functions and classes below a folder, by name."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, Definition):
                found.setdefault(node.name, []).append(behaviour(node))
    return found


def behaviour(node: Definition) -> str:
    """The dump of a definition without what only explains it: docstrings, and the types of its signatures."""
    copy = ast.parse(ast.unparse(node))
    for part in ast.walk(copy):
        if isinstance(part, Definition) and ast.get_docstring(part, clean=False) is not None:
            part.body = part.body[1:] or [ast.Pass()]
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            part.returns = None
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.dump(copy)
