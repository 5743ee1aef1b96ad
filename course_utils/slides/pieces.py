"""What stands on a slide, and how much of its height it takes, in lines of body text."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass

__all__ = ["CAPACITY", "LINE", "WIDTH", "Piece", "figure", "markdown_blocks", "monospace", "prose", "tables"]

WIDTH, LINE = 1180, 38  # pixels that a slide of 1280 x 720 gives to its content, and the height of a line of text
CAPACITY = 15.5  # lines below the slide's header
COLUMNS = 86  # characters of body text in a line
LEAST = {"output": 16, "code": 13, "folded": 13}  # pixels: the smallest type; longer lines are wrapped
GLYPH, LEADING = 0.602, 1.35  # a monospaced character's width, and its line's height, as shares of its size
LIST_ITEM = re.compile(r"[-*] |\d+\. ")


@dataclass(frozen=True)
class Piece:
    """One thing on a slide.

    kind: "markdown", "equation", "predict", "question", "answer", "notes", "code", "folded", "output", "html" or
    "picture".
    text: Markdown, code, output or HTML as in the notebook; for a picture its data: address.
    lines: the height that it takes. size: of its type in pixels, for code and output.
    fragment: whether it waits for a key. keep: whether it may not stand last on a slide.
    """

    kind: str
    text: str
    lines: float = 0
    size: float = 0
    fragment: bool = False
    keep: bool = False


def prose(text: str, keep: bool = False) -> Piece:
    """A block of Markdown: a heading, a paragraph, a list, an equation or a table."""
    if text.startswith("$$"):
        rows = 1 + text.count(r"\\")
        return Piece("equation", text, 2.5 * rows, keep=keep)
    if text.startswith("#"):
        return Piece("markdown", text, 1.7, keep=not text.startswith("# "))
    seen = re.sub(r"\$([^$]*)\$", lambda formula: "x" * (len(re.sub(r"\\[a-zA-Z]+", "x", formula[1])) // 2 + 1), text)
    seen = re.sub(r"\]\([^)]*\)|[*`]", "", seen)
    items = re.split(r"\n(?=[-*] |\d+\. )", seen)
    lines = sum(math.ceil(len(item) / (COLUMNS - 4 * (len(items) > 1))) for item in items)
    if "**Predict first" in text and not LIST_ITEM.match(text):
        return Piece("predict", text, 1.6 * lines + 2)  # in larger type
    return Piece("markdown", text, lines + 0.5, keep=keep)


def monospace(kind: str, text: str) -> Piece:
    """Code or printed text, in type so small that it fits the width and a slide's height, but readable."""
    widths = [sum(2 if ord(letter) > 0x2E80 else 1 for letter in row) for row in text.splitlines()] or [0]
    fits = min(24.0, (WIDTH - 44) / (GLYPH * max(*widths, 1)), (CAPACITY * LINE - 30) / (LEADING * len(widths)))
    size = max(LEAST[kind], math.floor(2 * fits) / 2)
    columns = int((WIDTH - 44) / (GLYPH * size))
    rows = sum(max(1, math.ceil(width / columns)) for width in widths)
    return Piece(kind, text, (rows * size * LEADING + 30) / LINE, size)


def figure(data: str, media_type: str) -> Piece:
    """A picture in base64; it is drawn as large as its slide allows, and needs three quarters of the full width."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        wanted = 0.75 * WIDTH * picture.height / picture.width / LINE
    return Piece("picture", f"data:{media_type};base64,{''.join(data.split())}", min(max(wanted, 6), 13))


def tables(html: str) -> list[Piece]:
    """A table that was printed as HTML, parted between its rows where it is longer than a slide."""
    rows = re.findall(r"<tr\b.*?</tr>", html, re.DOTALL)
    heights = [_row_lines(row) for row in rows]
    pieces = []
    for part in _parts(heights[1:], CAPACITY - sum(heights[:1])):
        text = html
        for index, row in enumerate(rows[1:]):
            if index not in part:
                text = text.replace(row, "", 1)
        pieces.append(Piece("html", text, sum(heights[:1]) + sum(heights[1:][index] for index in part)))
    return pieces


def _markdown_table(text: str) -> list[Piece]:
    """A table in Markdown, parted likewise; a row with a picture takes more than four lines."""
    lines = text.splitlines()
    heights = [4.4 if "<img" in line else 0.7 * math.ceil(len(line) / 110) + 0.4 for line in lines[2:]]
    return [
        Piece(
            "markdown",
            "\n".join([*lines[:2], *(lines[2:][index] for index in part)]),
            1 + sum(heights[i] for i in part),
        )
        for part in _parts(heights, CAPACITY - 1)
    ]


def _parts(heights: list[float], room: float) -> list[range]:
    """Runs of rows of which each fits the room; at least one."""
    starts, used = [0], 0.0
    for index, height in enumerate(heights):
        if used and used + height > room:
            starts.append(index)
            used = 0.0
        used += height
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(heights)], strict=True)]


def _row_lines(row: str) -> float:
    """The height of a table's row, whose columns share the width."""
    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.split(r"</t[dh]>", row)[:-1]]
    letters = WIDTH / max(len(cells), 1) / 10.5  # in a line of a cell
    return (25 * max((math.ceil(len(cell) / letters) for cell in cells), default=1) + 14) / LINE


def markdown_blocks(source: str) -> list[Piece]:
    """The blocks of a Markdown cell; a folded question opens into a question and its answer.

    A heading, a paragraph that ends in a colon, and one whose equation follows keep together with what follows, and so
    does an equation whose sentence goes on behind it. A list of more than nine lines is parted between its items.
    """
    texts = _split(source)
    pieces: list[Piece] = []
    for text, after in zip(texts, [*texts[1:], ""], strict=False):
        if folded := re.fullmatch(r"<details><summary>(.*?)</summary>(.*)</details>", text, re.DOTALL):
            asked, answer = (" ".join(part.split()) for part in folded.groups())
            pieces.append(Piece("question", asked, prose(asked).lines, keep=True))
            pieces.append(Piece("answer", answer, prose(answer).lines, fragment=True))
            continue
        if re.search(r"^\|[ |:-]*---", text, re.MULTILINE):
            pieces += _markdown_table(text)
            continue
        equation = text.startswith("$$")
        keep = text.endswith(":") or (after[:1].islower() if equation else after.startswith("$$"))
        piece = prose(text, keep)
        parted = _items(text) if piece.lines > 9 and LIST_ITEM.match(text) else [text]
        pieces += [piece] if len(parted) == 1 else [prose(part, keep=part is parted[-1] and keep) for part in parted]
    return pieces


def _split(source: str) -> list[str]:
    """Text between blank lines, but neither a formula nor a block of code is torn apart; headings stand alone."""
    source = re.sub(r"^(#{1,6} .*)$", r"\n\1\n", source, flags=re.MULTILINE) if "```" not in source else source
    blocks: list[str] = []
    open_block = False
    for text in re.split(r"\n\s*\n", source.strip("\n")):
        if open_block:
            blocks[-1] += f"\n\n{text}"
        elif text.strip():
            blocks.append(text.strip("\n"))
        last = blocks[-1] if blocks else ""
        open_block = last.count("```") % 2 == 1 or last.count("$$") % 2 == 1
    return blocks


def _items(text: str) -> list[str]:
    return re.split(r"\n(?=[-*] |\d+\. )", text)
