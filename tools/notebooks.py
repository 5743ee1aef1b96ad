"""From a chapter's source to the cells of its notebook, and what their outputs depend on."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from tools.chapters import BuildError, card, chapter_table, read_chapters
from tools.syntax import parsed_cell

__all__ = ["ROOT", "code_hash", "notebook_path", "read_source", "same_cells", "source_names", "source_path"]

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "course_utils"


def source_names(root: Path) -> list[str]:
    """Every chapter that has a source, in order."""
    return sorted(path.stem for path in (root / "notebooks" / "src").glob("*.py"))


def source_path(root: Path, name: str) -> Path:
    return root / "notebooks" / "src" / f"{name}.py"


def notebook_path(root: Path, name: str) -> Path:
    return root / "notebooks" / f"{name}.ipynb"


def read_source(root: Path, name: str) -> list[Any]:
    """The cells that the notebook must have: card and chapter table filled in, ids from their content."""
    try:
        text = source_path(root, name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BuildError(f"{name}: the source is not UTF-8") from None
    seen: dict[str, int] = {}
    return [_clean(cell, root, name, seen) for cell in jupytext.reads(text, fmt="py:percent").cells]


def _clean(cell: Any, root: Path, name: str, seen: dict[str, int]) -> Any:
    kind, text = cell.cell_type, cell.source
    if kind == "markdown" and text.strip() == "{card}":
        chapters = read_chapters(root)
        if name not in chapters:
            raise BuildError(f"{name}: chapters.toml has no table [{name}] for its card")
        text = card(chapters[name])
    elif kind == "markdown" and text.strip() == "{chapters}":
        text = chapter_table(read_chapters(root))
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    tags = cell.metadata.get("tags")
    digest = hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest()[:12]
    seen[digest] = seen.get(digest, 0) + 1
    return make(
        source=text,
        metadata={"tags": tags} if tags else {},
        id=digest if seen[digest] == 1 else f"{digest}-{seen[digest]}",
    )


def same_cells(these: list[Any], those: list[Any]) -> bool:
    """Whether two lists of cells are the same but for their outputs."""

    def facts(cells: list[Any]) -> list[tuple[Any, ...]]:
        return [(cell.get("id"), cell.cell_type, cell.source, dict(cell.metadata)) for cell in cells]

    return facts(these) == facts(those)


def code_hash(root: Path, cells: list[Any]) -> str:
    """The hash of all that the outputs come from: the code cells and the package's files behind them."""
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    digest = hashlib.sha256()
    for source in code:
        digest.update(f"{len(source)}\n{source}".encode())
    for path in sorted(_files_behind(root, code)):
        digest.update(f"\n{path.relative_to(root).as_posix()}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))  # the same in a Windows checkout
    return digest.hexdigest()[:16]


def _files_behind(root: Path, code: list[str]) -> set[Path]:
    """The modules of the package that the code imports, and those that they import; with the package's data."""
    package = root / PACKAGE
    waiting = [name for source in code for name in _imports(parsed_cell(source), PACKAGE)]
    found: set[Path] = set()
    while waiting:
        path = _module_file(root, waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        inside = ".".join(path.parent.relative_to(root).parts)
        waiting += _imports(ast.parse(path.read_text(encoding="utf-8")), inside)
    if found:
        found |= {path for path in package.rglob("*.*") if path.suffix in {".toml", ".mplstyle", ".js", ".css"}}
    return found


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Every dotted name that may be a module of ours; package: where a relative import starts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE:
                yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _module_file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
