"""What stands on a slide, and how much of its height it takes, in lines of body text."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass, replace

__all__ = ["CAPACITY", "LINE", "WIDTH", "Piece", "beside", "figure", "markdown_blocks", "monospace"]

WIDTH, LINE = 1180, 38  # pixels that a slide of 1280 x 720 gives to its content, and the height of a line of text
CAPACITY = 15.5  # lines below the slide's header
HEADING = 1.7  # of them for a heading
COLUMNS = 86  # characters of body text in a line
SIDE = 440  # pixels of the column beside a narrow picture
# The smallest type in pixels, 20 on a projector of 1080 lines; longer lines are wrapped.
LEAST = {"output": 16, "code": 13.4, "folded": 13.4}
GLYPH, LEADING = 0.602, 1.35  # a monospaced character's width, and its line's height, as shares of its size
LIST_ITEM = re.compile(r"[-*] |\d+\. ")
TABLE = re.compile(r"^\|[ |:-]*---", re.MULTILINE)
LONG = 300  # characters before a question that are read first, in smaller type


@dataclass(frozen=True)
class Piece:
    """One thing on a slide.

    kind: "markdown", "table" (in Markdown), "equation", "predict", "question", "answer", "notes", "code", "folded",
    "output", "html" or "picture".
    text: Markdown, code, output or HTML as in the notebook; for a picture its data: address.
    lines: the height that it takes. size: of its type in pixels, for code and output; a picture's width / height.
    fragment: whether it waits for a key. keep: whether it may not stand last on a slide.
    """

    kind: str
    text: str
    lines: float = 0
    size: float = 0
    fragment: bool = False
    keep: bool = False


def prose(text: str, keep: bool = False, columns: int = COLUMNS) -> Piece:
    """A block of Markdown: a heading, a paragraph, a list or an equation; columns: characters in a line."""
    if text.startswith("$$"):
        rows = 1 + text.count(r"\\")
        return Piece("equation", text, 2.5 * rows, keep=keep)
    if text.startswith("#"):
        return Piece("markdown", text, HEADING, keep=not text.startswith("# "))
    seen = re.sub(r"\$([^$]*)\$", lambda formula: "x" * (len(re.sub(r"\\[a-zA-Z]+", "x", formula[1])) // 2 + 1), text)
    seen = re.sub(r"\]\([^)]*\)|[*`]", "", seen)
    items = re.split(r"\n(?=[-*] |\d+\. )", seen)
    lines = sum(math.ceil(len(item) / (columns - 4 * (len(items) > 1))) for item in items)
    if "**Predict first" in text and not LIST_ITEM.match(text):
        return Piece("predict", text, 1.6 * lines + 2)  # in larger type
    return Piece("markdown", text, lines + 0.5, keep=keep)


def monospace(kind: str, text: str, width: float = WIDTH) -> Piece:
    """Code or printed text, in type so small that it fits the width and a slide's height, but readable."""
    widths = _widths(text)
    fits = min(
        24.0, (width - 44) / (GLYPH * max(*widths, 1)), ((CAPACITY - HEADING) * LINE - 30) / (LEADING * len(widths))
    )
    size = max(LEAST[kind], math.floor(2 * fits) / 2)
    columns = int((width - 44) / (GLYPH * size))
    rows = sum(max(1, math.ceil(row / columns)) for row in widths)
    return Piece(kind, text, (rows * size * LEADING + 30) / LINE, size)


def _widths(text: str) -> list[int]:
    """Of each line, in columns; Chinese takes two."""
    return [sum(2 if ord(letter) > 0x2E80 else 1 for letter in row) for row in text.splitlines()] or [0]


def beside(piece: Piece) -> Piece | None:
    """Text as it stands in the column beside a narrow picture; None where it would not be readable there."""
    if piece.kind == "output" and max(_widths(piece.text)) * GLYPH * LEAST["output"] <= SIDE - 44:
        return replace(monospace("output", piece.text, SIDE), fragment=piece.fragment)
    if piece.kind == "markdown" and not piece.text.startswith(("#", "<")):
        return prose(piece.text, columns=COLUMNS * SIDE // WIDTH)
    return piece if piece.kind in ("folded", "notes") else None


def figure(data: str, media_type: str) -> Piece:
    """A picture in base64. It is drawn as large as its slide allows, and needs three quarters of the full width.

    Nine tenths of its own size are enough, of a tall one three quarters: that leaves its letters 20 pixels of 1080.
    """
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        wanted = min(0.75 * WIDTH / picture.width, 0.9) * picture.height / LINE
        wanted = max(min(wanted, 13), min(0.75 * picture.height / LINE, 13.8), 6)
        shape = picture.width / picture.height
    return Piece("picture", f"data:{media_type};base64,{''.join(data.split())}", wanted, shape)


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
        if TABLE.search(text):
            pieces.append(Piece("table", text, CAPACITY))
            continue
        equation = text.startswith("$$")
        keep = text.endswith(":") or (after[:1].islower() if equation else after.startswith("$$"))
        piece = prose(text, keep)
        if piece.kind == "predict" and len(context := text.partition("**Predict first")[0]) > LONG:
            pieces += [prose(context.strip(), keep=True), prose(text.removeprefix(context))]
            continue
        items = _items(text) if piece.lines > 9 and LIST_ITEM.match(text) else [text]
        pieces += [piece] if len(items) == 1 else [prose(item, keep=item is items[-1] and keep) for item in items]
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
