"""The pictures of a built notebook: stored small, and the cover written beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["shrink_pictures", "write_cover"]

COVER_WIDTH = 480  # pixels
COLOURS = 256  # a figure has few: against 16 million the mean difference is below 1/255, and the file half as large


def shrink_pictures(cells: list[Any]) -> None:
    """Store every opaque PNG output with a palette of 256 colours, where that makes it smaller."""
    for data in _png_outputs(cells):
        old = base64.b64decode(data["image/png"])
        picture = Image.open(io.BytesIO(old))
        if picture.mode == "P" or _see_through(picture):
            continue
        new = io.BytesIO()
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(new, "PNG", optimize=True, dpi=picture.info.get("dpi"))
        if len(new.getvalue()) < len(old):
            data["image/png"] = base64.b64encode(new.getvalue()).decode("ascii") + "\n"


def write_cover(path: Path, notebook: Any) -> None:
    """Save the first PNG of the cell tagged `cover` beside the notebook, where its pixels changed."""
    tagged = [cell for cell in notebook.cells if "cover" in cell.metadata.get("tags", [])]
    first = next(_png_outputs(tagged), None)
    if not first:
        return
    picture = Image.open(io.BytesIO(base64.b64decode(first["image/png"]))).convert("RGB")
    height = round(picture.height * COVER_WIDTH / picture.width)
    picture = picture.resize((COVER_WIDTH, height), Image.Resampling.LANCZOS)
    target = path.parent / "pictures" / f"{path.stem}.png"
    if target.is_file():
        with Image.open(target) as old:
            if old.size == picture.size and old.convert("RGB").tobytes() == picture.tobytes():
                return
    target.parent.mkdir(exist_ok=True)
    picture.save(target, optimize=True)


def _see_through(picture: Image.Image) -> bool:
    return "A" in picture.getbands() and min(picture.getchannel("A").tobytes()) < 255


def _png_outputs(cells: list[Any]) -> Iterator[Any]:
    for cell in cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield output.data
