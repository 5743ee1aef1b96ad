"""Tables cut between their rows where they are longer than the room on a slide."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from course_utils.slides.pieces import CAPACITY, LINE, WIDTH, Piece

__all__ = ["parted"]

LETTER = 9.5  # pixels of a letter in a table
PADDING, LEADING = (27, 14), 25  # pixels that a cell adds to its text in width and height, and of a line
LITTLE = 6  # lines of room in which no part of a table begins
PICTURE = 3.7  # lines that a row with a picture takes


def parted(piece: Piece, room: float) -> list[Piece]:
    """A table in HTML or Markdown cut into parts, each with its header; any other piece as it is.

    room: the lines that the slide has left for its first part.
    """
    if piece.kind == "html" and "<tr" in piece.text:
        rows = re.findall(r"<tr\b.*?</tr>", piece.text, re.DOTALL)
        heights = _heights(piece.text, rows)
        parts = _parts(heights, room)
        texts = [_without(piece.text, [row for at, row in enumerate(rows[1:]) if at not in part]) for part in parts]
    elif piece.kind == "table":
        head, rule, *lines = piece.text.splitlines()
        heights = _heights("", ["</td>".join(line.strip().strip("|").split("|")) + "</td>" for line in (head, *lines)])
        parts = _parts(heights, room)
        texts = ["\n".join([head, rule, *(lines[at] for at in part)]) for part in parts]
    else:
        return [piece]
    sizes = [heights[0] + sum(heights[1:][at] for at in part) for part in parts]
    return [replace(piece, text=text, lines=size) for text, size in zip(texts, sizes, strict=True)]


def _without(table: str, rows: Sequence[str]) -> str:
    for row in rows:
        table = table.replace(row, "", 1)
    return table


def _parts(heights: Sequence[float], room: float) -> list[range]:
    """Runs of rows that fit below the header, the first height; the first run in what room there is, if one fits."""
    header, *rows = heights
    if room < max(LITTLE, sum(heights[:2])):
        room = CAPACITY
    starts, used = [0], header
    for at, height in enumerate(rows):
        if used > header and used + height > room:
            starts.append(at)
            used, room = header, CAPACITY
        used += height
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _heights(table: str, rows: Sequence[str]) -> list[float]:
    """The lines that each row takes: columns are as wide as the table says, else as what stands in them wants."""
    cells = [
        [[len(re.sub(r"<[^>]+>", "", line)) for line in cell.split("<br>")] for cell in re.split(r"</t[dh]>", row)[:-1]]
        for row in rows
    ]
    if given := re.findall(r'<col style="width:(\d+)%">', table):
        letters = [(int(share) / 100 * WIDTH - PADDING[0]) / LETTER for share in given]
    else:
        letters = _letters([max(map(max, column)) for column in zip(*cells, strict=True)])
    heights = []
    for source, row in zip(rows, cells, strict=True):
        counts = [sum(max(1, math.ceil(n / width)) for n in cell) for cell, width in zip(row, letters, strict=True)]
        height = (LEADING * max(counts) + PADDING[1]) / LINE
        heights.append(max(height, PICTURE) if "<img" in source else height)
    return heights


def _letters(wanted: Sequence[int]) -> list[float]:
    """How many letters each column takes in a line: what it wants, or where that is too much, a share of the rest."""
    room = (WIDTH - PADDING[0] * len(wanted)) / LETTER
    if sum(wanted) <= room:
        return [max(1.0, width) for width in wanted]
    narrow = [width <= room / len(wanted) for width in wanted]
    taken = sum(width for width, few in zip(wanted, narrow, strict=True) if few)
    share = (room - taken) / (sum(wanted) - taken)
    return [max(1.0, width if few else width * share) for width, few in zip(wanted, narrow, strict=True)]
