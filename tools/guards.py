"""What every committed notebook must hold. A guard takes a notebook and its path, and yields complaints.

The tests run all guards over all notebooks, and prove each with a notebook that it must reject; the builder
shows their complaints as warnings.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from tools.execution import WIDGET
from tools.syntax import library_cell_faults, parsed_cell

__all__ = ["GUARDS", "complaints"]

TAGS = {"cover", "demo", "library", "nbval-ignore-output", "notes", "skip", "slide", "subslide"}
FORBIDDEN = {  # in what a cell printed
    "an object's address": r"\bat 0x[0-9a-fA-F]+",
    "a tensor's repr, which names the device": r"Tensor\(shape=",
    "a NumPy scalar's repr, which NumPy 1 writes otherwise": r"\bnp\.(float|int|bool)[\d_]*\(",
    "a path of a machine": r"(?<![\w.])(/(home|Users|root|tmp|work|usr|opt|var|private|mnt)/|[A-Z]:\\)",
    "an escape code or a carriage return": r"\x1b|\r",
}
SETUP_LINE = r"{name} · course_utils \S+ · Paddle \S+ · (cpu|gpu).* · data .+ · full profile · seed \d+\n?"
LINK = re.compile(
    r"(?P<image>!?)\[[^\]]*\]\((?P<to>[^)\s]+)[^)]*\)"  # of Markdown
    r'|<(?P<tag>img|a)\b[^>]*?\b(?:src|href)="(?P<at>[^"]+)"'
)


def complaints(notebook: Any, path: Path) -> list[str]:
    """What all guards say of a notebook; empty where it is sound."""
    return [text for guard in GUARDS for text in guard(notebook, path)]


def executed_in_order(notebook: Any, path: Path) -> Iterator[str]:
    counts = [cell.execution_count for cell in _code(notebook)]
    if not counts or counts != list(range(1, len(counts) + 1)):
        yield f"its code cells were executed in the order {counts}, not 1 to {len(counts)} from a fresh kernel"


def without_errors(notebook: Any, path: Path) -> Iterator[str]:
    for cell, output in _outputs(notebook):
        if output.output_type == "error":
            yield f"{_where(cell)} holds an error: {output.ename}"
        elif output.get("name") == "stderr":
            yield f"{_where(cell)} wrote to stderr: {output.text.strip()[:80]!r}"


def same_text_everywhere(notebook: Any, path: Path) -> Iterator[str]:
    """What differs between machines, versions or devices, or is no text to read, stands in no output."""
    for cell, output in _outputs(notebook):
        for what, pattern in FORBIDDEN.items():
            if found := re.search(pattern, _text(output)):
                yield f"{_where(cell)} printed {what}: {found.group()!r}"


def half_compared(notebook: Any, path: Path) -> Iterator[str]:
    printing = [cell for cell in _code(notebook) if cell.outputs and not _is_demo(cell)]
    compared = [cell for cell in printing if not _ignored(cell)]
    if not printing:
        yield "it has no outputs at all"
    elif 2 * len(compared) < len(printing):
        yield f"only {len(compared)} of its {len(printing)} printing cells are compared; half is the least"


def known_tags(notebook: Any, path: Path) -> Iterator[str]:
    """A misspelt tag would do nothing, and NBVAL comments would hide from the guards."""
    for cell in notebook.cells:
        for tag in sorted(set(cell.metadata.get("tags", [])) - TAGS):
            yield f"{_where(cell)} has the unknown tag {tag!r}: use {', '.join(sorted(TAGS))}"
        if cell.cell_type == "code" and re.search(r"^\s*#+\s*NBVAL_", cell.source, re.MULTILINE):
            yield f"{_where(cell)} steers nbval by a comment: use the tag nbval-ignore-output"


def ignored_then_checked(notebook: Any, path: Path) -> Iterator[str]:
    """After each cell whose output is not compared stands a code cell that checks what must hold.

    A check is an `assert`, or text output that is compared, in the next code cell, about something that the
    ignored cell made or used: the two share a name that is neither imported nor built in. Free of it: the
    setup cell (its line is checked for itself), and `demo` cells, whose static picture stands before them: they
    may stand between the two.
    """
    code = [cell for cell in _code(notebook) if not _is_demo(cell)]
    imported = {name for cell in code for name in _imported(cell.source)}
    for cell, after in zip(code, [*code[1:], None], strict=True):
        if not _ignored(cell) or cell is code[0]:
            continue
        if after is None or not _checks(after):
            yield f"{_where(cell)} is not compared, and no cell with an assert or a compared output follows it"
        elif not (_names(cell.source) & _names(after.source)) - imported:
            yield f"{_where(cell)} is not compared, and the check after it shares no name with it"


def pictures_there(notebook: Any, path: Path) -> Iterator[str]:
    """nbval never compares PNG, so a missing picture would pass."""
    for cell in _code(notebook):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if "plt.show()" in cell.source and not any(kind.startswith("image/") for kind in kinds):
            yield f"{_where(cell)} calls plt.show(), and no picture came of it"


def demos_as_text(notebook: Any, path: Path) -> Iterator[str]:
    """A widget is gone with its kernel: what is stored of it is one sentence, and its cell is tagged `demo`."""
    for cell, output in _outputs(notebook):
        if WIDGET in output.get("data", {}):
            yield f"{_where(cell)} holds a widget without its kernel: build it again"
    for cell in _code(notebook):
        if _is_demo(cell) and (not _ignored(cell) or not any(map(_text, cell.outputs))):
            yield f"{_where(cell)} is a demo: it needs the tag nbval-ignore-output and a sentence as its output"


def links_local(notebook: Any, path: Path) -> Iterator[str]:
    """Links lead to files that exist; to the web only under the heading References, and never for an image."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for line in re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL).splitlines():
            heading = line if line.startswith("#") else heading
            for match in LINK.finditer(line):
                image = bool(match["image"]) or match["tag"] == "img"
                target = match["to"] or match["at"]
                if re.match(r"[a-z]+:|//", target):
                    if image or "References" not in heading:
                        what = "an image from the web" if image else "a web address outside References"
                        yield f"{_where(cell)} has {what}: {target}"
                elif not target.startswith("#") and not (path.parent / target.split("#")[0]).exists():
                    yield f"{_where(cell)} links to {target}, which does not exist"
        if found := re.search(r"attachment:", cell.source):
            yield f"{_where(cell)} has an {found.group()} link: save the picture beside the notebook"


def size(notebook: Any, path: Path) -> Iterator[str]:
    """Under 1 MB, or 2 MB with a GIF, as it would be written."""
    moving = any("image/gif" in output.get("data", {}) for _, output in _outputs(notebook))
    limit = 2_000_000 if moving else 1_000_000
    if (length := len(nbformat.writes(notebook).encode())) >= limit:
        yield f"it has {length:,} bytes; the limit is {limit:,}"


def short_cells(notebook: Any, path: Path) -> Iterator[str]:
    for cell in _code(notebook):
        limit = 40 if "library" in cell.metadata.get("tags", []) else 25
        if (lines := len(cell.source.splitlines())) > limit:
            yield f"{_where(cell)} has {lines} lines; the limit is {limit}"


def setup_line(notebook: Any, path: Path) -> Iterator[str]:
    """The first code cell: at most 8 lines, and its output is the one line of settings.setup().

    A homework has none: what it checks does not depend on device, data or profile.
    """
    first = next(iter(_code(notebook)), None)
    if first is None or path.parent.name == "homework":
        return
    text = "".join(_text(output) for output in first.outputs)
    if not re.fullmatch(SETUP_LINE.format(name=re.escape(path.stem)), text):
        yield f"its first code cell did not print the setup line of {path.stem} in the full profile: {text[:80]!r}"
    if (lines := len(first.source.splitlines())) > 8:
        yield f"its setup has {lines} lines; the limit is 8"


def clean_metadata(notebook: Any, path: Path) -> Iterator[str]:
    if extra := sorted(set(notebook.metadata) - {"course", "kernelspec", "language_info"}):
        yield f"its metadata hold {', '.join(extra)}: build it again"
    if timed := [cell for cell in notebook.cells if set(cell.metadata) - {"tags"}]:
        yield f"{_where(timed[0])} has metadata beside its tags: build it again"


def library_cells(notebook: Any, path: Path) -> Iterator[str]:
    """A cell tagged `library` shows what stands in course_utils, to the syntax tree."""
    for cell in _code(notebook):
        if "library" in cell.metadata.get("tags", []):
            yield from (f"{_where(cell)} {fault}" for fault in library_cell_faults(cell.source))


def one_cover(notebook: Any, path: Path) -> Iterator[str]:
    """A numbered chapter has one cell tagged `cover`, with a PNG; the map (00) has none."""
    if not re.match(r"(?!00)\d\d_", path.stem):
        return
    tagged = [cell for cell in _code(notebook) if "cover" in cell.metadata.get("tags", [])]
    pictures = [out for cell in tagged for out in cell.outputs if "image/png" in out.get("data", {})]
    if len(tagged) != 1 or not pictures:
        yield f"it has {len(tagged)} cells tagged cover, with {len(pictures)} PNG outputs; it needs one of each"


GUARDS: tuple[Callable[[Any, Path], Iterator[str]], ...] = (
    executed_in_order,
    without_errors,
    same_text_everywhere,
    half_compared,
    known_tags,
    ignored_then_checked,
    pictures_there,
    demos_as_text,
    links_local,
    size,
    short_cells,
    setup_line,
    clean_metadata,
    library_cells,
    one_cover,
)


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _outputs(notebook: Any) -> Iterator[tuple[Any, Any]]:
    return ((cell, output) for cell in _code(notebook) for output in cell.outputs)


def _text(output: Any) -> str:
    """All text that a reader sees or nbval compares."""
    data = output.get("data", {})
    return output.get("text", "") + "".join(
        data[kind] for kind in sorted(data) if kind.startswith("text/") and isinstance(data[kind], str)
    )


def _ignored(cell: Any) -> bool:
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def _is_demo(cell: Any) -> bool:
    return "demo" in cell.metadata.get("tags", [])


def _checks(cell: Any) -> bool:
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(parsed_cell(cell.source)))
    prints = any(_text(output).strip() and "image/png" not in output.get("data", {}) for output in cell.outputs)
    return asserts or (prints and not _ignored(cell))


def _names(source: str) -> set[str]:
    names = {node.id for node in ast.walk(parsed_cell(source)) if isinstance(node, ast.Name)}
    return names - set(dir(builtins))


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(parsed_cell(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)


def _where(cell: Any) -> str:
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return f"cell {first.strip()[:60]!r}"
