"""What chapters.toml says of each chapter: its card, and the chapter table of README.md and 00_start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["BuildError", "card", "chapter_table", "read_chapters", "readme_with_table"]

KEYS = {
    "number": int,
    "title": str,
    "chinese": str,
    "sees": str,
    "you_will": list,
    "you_need": str,
    "minutes": int,
    "data": str,
}
OPENS, CLOSES = "<!-- chapters -->", "<!-- /chapters -->"


class BuildError(Exception):
    """What keeps a notebook from being built: one message that is shown without a stack trace."""


def read_chapters(root: Path) -> dict[str, dict[str, Any]]:
    """The tables of notebooks/src/chapters.toml by chapter, in the order of the file.

    Raises BuildError where a key is missing, unknown, or of another type.
    """
    path = root / "notebooks" / "src" / "chapters.toml"
    try:
        chapters = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"{path} is missing: it holds one table a chapter") from None
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path} is not valid TOML: {error}") from None
    for name, chapter in chapters.items():
        if wrong := sorted(set(KEYS) ^ set(chapter)):
            raise BuildError(f"chapters.toml, [{name}]: {', '.join(wrong)} missing or unknown")
        for key, kind in KEYS.items():
            if not isinstance(chapter[key], kind):
                raise BuildError(f"chapters.toml, [{name}]: {key} must be of type {kind.__name__}")
    return chapters


def card(chapter: dict[str, Any]) -> str:
    """The card below a chapter's title, in Markdown."""
    *first, last = chapter["you_will"]
    will = f"{', '.join(first)}, and {last}" if first else last
    minutes = chapter["minutes"]
    return "\n".join(
        [
            f"- *You will* {will}.",
            f"- *You need* {chapter['you_need']}",
            f"- *Minutes* {minutes} on 2 CPU cores; GPU: unproven, not timed.",
            f"- *Runs on* Linux, macOS and Windows, CPU or CUDA. Data: {chapter['data']}.",
        ]
    )


def chapter_table(chapters: dict[str, dict[str, Any]], folder: str = "") -> str:
    """The table of all chapters in Markdown; folder: where the notebooks lie, seen from the page."""
    wide = "&emsp;" * 10  # a table shrinks pictures to the width of their column's words
    rows = [f"| {wide} | Chapter | What you will see | Minutes | Data |", "| --- | --- | --- | --- | --- |"]
    for name, chapter in chapters.items():
        number = f"{chapter['number']:02} " if name[0].isdigit() else ""  # the table of errata is no chapter
        title = f"[{number}{chapter['title']} {chapter['chinese']}]({folder}{name}.ipynb)"
        picture = f'<img src="{folder}pictures/{name}.png" width="160" alt="{chapter["title"]}">'
        if chapter["number"] == 0:  # the map itself has no picture
            picture = ""
        rows.append(f"| {picture} | {title} | {chapter['sees']} | {chapter['minutes']} | {chapter['data']} |")
    return "\n".join(rows)


def readme_with_table(root: Path) -> str:
    """README.md as it must be: with the present table between its two markers.

    Raises BuildError where the markers are missing.
    """
    text = (root / "README.md").read_text(encoding="utf-8")
    before, opens, rest = text.partition(OPENS)
    _, closes, after = rest.partition(CLOSES)
    if not opens or not closes:
        raise BuildError(f"README.md has no {OPENS} … {CLOSES}: put the two markers where the table belongs")
    return f"{before}{OPENS}\n{chapter_table(read_chapters(root), 'notebooks/')}\n{CLOSES}{after}"
