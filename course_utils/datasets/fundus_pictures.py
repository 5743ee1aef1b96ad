"""One photograph of the back of an eye, decoded and squashed to the size that the networks take."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from course_utils.errors import CourseError

__all__ = ["SIDE", "squash"]

SIDE = 224  # pixels each way, whatever the shape of the photograph: as the course does
FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
BYTES = 64 << 20  # a photograph of the set has about one megabyte
AGAIN = "copy it again, or save the photograph anew as a JPEG file of 8 bits a channel"


def squash(source: Path | str | bytes, name: str = "") -> np.ndarray:
    """One photograph as uint8 [3, 224, 224] in RGB, 0 to 255, its sides scaled each for itself.

    source: a path, or the bytes of a JPEG, PNG, TIFF or BMP file. name: stands in messages for bytes without a path.
    A JPEG is decoded at a reduced size (libjpeg's scaling, never below twice the target), which is several times
    faster, then resized with a Hamming window, which averages over all pixels that it covers. Grey, palette and CMYK
    pictures become RGB, 16 bits become 8, and a picture that its EXIF data call rotated is turned upright.
    Raises CourseError, with the file's name, for what is no picture, or several, is cut off, too large or partly
    transparent, or has values whose range is unknown.
    """
    name = name or ("the picture" if isinstance(source, bytes) else str(source))
    content = source if isinstance(source, bytes) else _content(Path(source))
    if len(content) > BYTES:
        raise CourseError(f"{name} has more than {BYTES >> 20} MB: give a photograph, reduced if need be")
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):  # such as spoilt EXIF data, or a size beyond reason
            warnings.simplefilter("error", category)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.format in ("PNG", "TIFF") and getattr(image, "n_frames", 1) > 1:
                    raise CourseError("holds several pictures")
                image.draft(None, (2 * SIDE, 2 * SIDE))  # only JPEG pictures heed it
                upright = ImageOps.exif_transpose(_with_8_bits(image))
                small = _as_rgb(upright).resize((SIDE, SIDE), Image.Resampling.HAMMING)
        except CourseError as error:
            raise CourseError(f"{name} {error}: {AGAIN}") from None
        except Exception as error:  # a damaged picture can raise nearly anything
            raise CourseError(f"{name} {_problem(error)}: {AGAIN}") from error
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES + 1)
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}): name a picture file") from error


def _with_8_bits(image: Image.Image) -> Image.Image:
    """The picture itself, or scaled to 8 bits where it has 16 a pixel; it keeps its EXIF data."""
    if not (image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")):  # older Pillow: "I"
        return image
    grey = Image.fromarray(np.round(np.asarray(image).astype(np.float32) / 257).astype(np.uint8))
    grey.info, grey.getexif()[0x0112] = dict(image.info), image.getexif().get(0x0112, 1)
    return grey


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F", "LAB", "HSV"):
        raise CourseError(f"has pixels of the kind {image.mode}, whose range is not known")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            raise CourseError("is partly transparent")
    return image.convert("RGB")


def _problem(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "is no JPEG, PNG, TIFF or BMP picture"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "has more pixels than any photograph of an eye"
    return f"cannot be decoded ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
