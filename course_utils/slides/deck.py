"""Which slides a chapter becomes, by rule from its own structure.

- `## ` begins a section, whose slides stand below one another; `### ` and a picture begin a slide.
- "Predict first" is a slide of its own; printed text that answers it waits for a key.
- Functions and classes of four lines or more are shown; other code is folded beside what it gave, and left out where it
  gave nothing. The setup, imports, widgets and fingerprints of pictures are left out. A demo, which needs a kernel,
  becomes the command that opens it beside the slides.
- A cell's tag overrides: `slide` and `subslide` begin a section and a slide, `skip` leaves the cell out, `notes` gives
  it to the speaker's view.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from course_utils.slides.packing import Packer, Slide
from course_utils.slides.pieces import CAPACITY, Piece, figure, markdown_blocks, monospace
from course_utils.slides.tables import parted

__all__ = ["deck"]

FINGERPRINT = re.compile(r"^\d+ axes · .*\b[0-9a-f]{16}$\n?", re.MULTILINE)
ROWS = 24  # lines of code up to which several functions share a slide
DEMO = re.compile(r"^demos\.show\(\"(\w+)\"\)", re.MULTILINE)
PICTURES = ("image/png", "image/jpeg", "image/gif")
EMBEDDED = re.compile(r'<img[^>]*src="data:(image/[a-z]+);base64,([^"]+)"')


def deck(notebook: Any) -> list[list[Slide]]:
    """The slides of an executed notebook, section by section; the first slide is the title."""
    packer = Packer()
    asked = False  # whether the last slide asks, so that printed text answers it
    cells = [cell for cell in notebook.cells if "skip" not in _tags(cell)]
    setup = next((cell for cell in cells if cell.cell_type == "code"), None)
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if "slide" in _tags(cell):
            packer.section(packer.heading)
        elif "subslide" in _tags(cell):
            packer.close(asked=True)
        if "notes" in _tags(cell):
            packer.add(Piece("notes", cell.source))
        elif cell.cell_type == "markdown":
            asked = _add_markdown(packer, cell.source, leads=_only_prints(after))
        elif cell is setup:
            packer.flush()
            packer.close()
        elif "demo" in _tags(cell):
            packer.add(*(Piece("markdown", f"`course demo {name}`", 1.5) for name in DEMO.findall(cell.source)))
        elif cell.cell_type == "code":
            asked = _add_code(packer, cell, asked)
    return packer.finish()


def _add_markdown(packer: Packer, source: str, leads: bool) -> bool:
    """Put prose on slides; returns whether it ends by asking.

    leads: whether the next cell prints, so that the last block introduces it.
    """
    asked = False
    blocks = markdown_blocks(source)
    for piece in blocks:
        asked = False
        level = len(piece.text) - len(piece.text.lstrip("#")) if piece.kind == "markdown" else 0
        if level in (1, 2):
            packer.section(piece.text.lstrip("# ") if level == 2 else "", title=level == 1)
            packer.add(piece)
        elif piece.kind == "predict":
            asked = True
            packer.close()
            packer.add(piece)
            packer.close()
        else:
            if level:
                packer.close()
            picture = packer.ends_in_picture
            for part in parted(piece, packer.room):
                packer.add(replace(part, keep=part.keep or (leads and piece is blocks[-1] and not picture)))
            if picture:
                packer.close()  # it takes one paragraph with it
    return asked


def _add_code(packer: Packer, cell: Any, asked: bool) -> bool:
    """Put a cell's code and what it gave on slides; returns whether a question still waits for its answer."""
    given = list(_outputs(cell))
    definitions = _definitions(cell.source)
    pictures = [piece for piece in given if piece.kind == "picture"]
    others = [piece for piece in given if piece.kind != "picture"]
    folded = [replace(monospace("folded", cell.source), lines=0)] if given else []
    if definitions:
        packer.close()
        rows = len("\n\n".join(definitions).splitlines())
        for text in ["\n\n".join(definitions)] if rows <= ROWS else definitions:
            packer.add(monospace("code", text))
        asked = False
    if pictures:
        packer.close()
        packer.add(*folded, pictures[0], *others)
        for picture in pictures[1:]:
            packer.close()
            packer.add(picture)
    elif asked and others and others[0].kind == "output":
        packer.reopen()  # the answer comes onto the slide that asks
        packer.add(*folded, *(replace(piece, fragment=True) for piece in others))
        packer.close()
    elif others:
        first, *more = parted(others[0], packer.room)
        packer.add(*folded, first)
        for piece in others[1:]:
            for part in more:
                packer.add(part)
            more = parted(piece, packer.room)
        for part in more:
            packer.add(part)
    return asked and not given


def _tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _only_prints(cell: Any) -> bool:
    """Whether a cell begins no slide of its own: it prints, and neither draws nor defines."""
    if cell is None or cell.cell_type != "code" or "demo" in _tags(cell) or _definitions(cell.source):
        return False
    return {piece.kind for piece in _outputs(cell)} == {"output"}


def _definitions(source: str) -> list[str]:
    """The functions and classes that a cell defines, which is what a lesson shows; none below four lines in all."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a line magic
        return []
    kinds = (ast.FunctionDef, ast.ClassDef)
    found = [node for node in tree.body if isinstance(node, kinds)]
    first = [min(part.lineno for part in [node, *node.decorator_list]) - 1 for node in found]
    lines = source.splitlines()
    texts = ["\n".join(lines[start : node.end_lineno]) for start, node in zip(first, found, strict=True)]
    return texts if len("\n\n".join(texts).splitlines()) >= 4 else []


def _outputs(cell: Any) -> Iterator[Piece]:
    """What a cell printed and drew, without fingerprints and widgets; printed text comes last, in one piece."""
    printed = ""
    for output in cell.outputs:
        data = output.get("data", {})
        media_type = next((kind for kind in PICTURES if kind in data), "")
        if output.output_type == "stream":
            printed += output.text
        elif media_type:
            yield figure(data[media_type], media_type)
        elif "text/html" in data:
            moving = EMBEDDED.search(data["text/html"])
            yield figure(moving[2], moving[1]) if moving else Piece("html", data["text/html"], CAPACITY)
        elif set(data) == {"text/plain"}:  # neither a widget nor anything else that needs a kernel
            printed += data["text/plain"] + "\n"
    if printed := FINGERPRINT.sub("", printed).strip("\n"):
        yield monospace("output", printed)
