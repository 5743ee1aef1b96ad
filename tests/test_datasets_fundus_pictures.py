"""One photograph at a time: what squash converts, what it refuses, and that it never returns half a picture."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import datasets
from course_utils.datasets import fundus_pictures
from course_utils.errors import CourseError

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (40, 40, 210), (240, 240, 240)


def quarters(width: int = 460, height: int = 400, mode: str = "RGB") -> Image.Image:
    """A picture whose quarters are red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), WHITE)
    x, y = width // 2, height // 2
    for colour, box in ((RED, (0, 0, x, y)), (GREEN, (x, 0, width, y)), (BLUE, (0, y, x, height))):
        image.paste(colour, box)
    return image.convert(mode)


def coded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **({"quality": 95} | options if form == "JPEG" else options))
    return file.getvalue()


def corners(image: np.ndarray) -> list[list[int]]:
    """The colours in the middles of the quarters: above left, above right, below left, below right."""
    return [image[:, row, column].tolist() for row in (56, 168) for column in (56, 168)]


def close(found: list[list[int]], wanted: tuple[tuple[int, ...], ...]) -> bool:
    return bool(np.abs(np.array(found) - np.array(wanted)).max() <= 6)


@pytest.mark.parametrize(("width", "height"), [(224, 224), (460, 400), (1444, 1444), (2124, 2056), (100, 300)])
def test_a_photograph_of_any_size_is_squashed(width: int, height: int, tmp_path: Path) -> None:
    path = tmp_path / "eye.jpg"
    path.write_bytes(coded(quarters(width, height)))
    small = datasets.squash(path)
    assert (small.shape, small.dtype, small.flags.c_contiguous) == ((3, 224, 224), np.uint8, True)
    assert close(corners(small), (RED, GREEN, BLUE, WHITE))
    np.testing.assert_array_equal(small, datasets.squash(str(path)))
    np.testing.assert_array_equal(small, datasets.squash(path.read_bytes()))


def test_a_picture_of_the_target_size_keeps_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    np.testing.assert_array_equal(datasets.squash(coded(Image.fromarray(pixels), "PNG")), pixels.transpose(2, 0, 1))


def test_a_fine_grid_is_averaged_and_leaves_no_pattern() -> None:
    fine = (255 * (np.indices((2056, 2124)).sum(0) // 2 % 2)).astype(np.uint8)
    assert np.ptp(datasets.squash(coded(Image.fromarray(fine), "PNG"))[:, 8:-8, 8:-8]) <= 40  # 255 without averaging


def test_grey_palette_and_cmyk_become_rgb() -> None:
    grey = datasets.squash(coded(quarters(mode="L")))
    assert (grey[0] == grey[1]).all()
    assert (grey[0] == grey[2]).all()
    assert close(corners(datasets.squash(coded(quarters(mode="CMYK")))), (RED, GREEN, BLUE, WHITE))
    assert close(corners(datasets.squash(coded(quarters().quantize(4), "PNG"))), (RED, GREEN, BLUE, WHITE))
    opaque = quarters(mode="RGBA")
    assert close(corners(datasets.squash(coded(opaque, "PNG"))), (RED, GREEN, BLUE, WHITE))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(form: str) -> None:
    wide = np.array([[0, 257 * 100], [257 * 200, 65535]], dtype=np.uint16).repeat(112, 0).repeat(112, 1)
    small = datasets.squash(coded(Image.fromarray(wide), form))
    assert corners(small) == [[value] * 3 for value in (0, 100, 200, 255)]


ORIENTATIONS = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    6: (BLUE, RED, WHITE, GREEN),
    8: (GREEN, WHITE, RED, BLUE),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_picture_that_exif_calls_rotated_is_turned(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert close(corners(datasets.squash(coded(quarters(), exif=exif))), ORIENTATIONS[orientation])
    wide = Image.fromarray(np.asarray(quarters(mode="L")).astype(np.uint16) * 257)
    turned = datasets.squash(coded(wide, "PNG", exif=exif))
    grey = [[round(0.299 * r + 0.587 * g + 0.114 * b)] * 3 for r, g, b in ORIENTATIONS[orientation]]
    assert close(corners(turned), tuple(map(tuple, grey)))


def png(width: int, height: int) -> bytes:
    """A PNG that announces a size and has next to no pixels."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def half_clear() -> Image.Image:
    image = quarters(mode="RGBA")
    image.putalpha(128)
    return image


REFUSED = {
    "a text file": (lambda: b"This is not a picture.", "is no JPEG, PNG, TIFF or BMP picture"),
    "an empty file": (lambda: b"", "is no JPEG, PNG, TIFF or BMP picture"),
    "another format": (lambda: coded(quarters(), "GIF"), "is no JPEG, PNG, TIFF or BMP picture"),
    "half a JPEG": (lambda: coded(quarters())[:2000], "cannot be decoded (image file is truncated"),
    "a JPEG without its end": (lambda: coded(quarters(1444, 1444))[:-2], "cannot be decoded (image file is truncated"),
    "half a PNG": (lambda: coded(quarters(), "PNG")[:300], "cannot be decoded ("),
    "a PNG without pixels": (lambda: png(500, 500), "cannot be decoded ("),
    "a huge picture": (lambda: png(9_600, 9_600), "has more pixels than any photograph of an eye"),
    "a monstrous picture": (lambda: png(90_000, 90_000), "has more pixels than any photograph of an eye"),
    "real values": (
        lambda: coded(Image.new("F", (300, 300)), "TIFF"),
        "pixels of the kind F, whose range is not known",
    ),
    "32 bits": (lambda: coded(Image.new("I", (300, 300)), "TIFF"), "pixels of the kind I, whose range is not known"),
    "transparency": (lambda: coded(half_clear(), "PNG"), "is partly transparent"),
    "two pages": (
        lambda: coded(quarters(), "TIFF", save_all=True, append_images=[quarters()]),
        "holds several pictures",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_no_picture_is_refused_in_one_sentence_with_its_name(what: str, tmp_path: Path) -> None:
    make, says = REFUSED[what]
    path = tmp_path / "P0001.jpg"
    path.write_bytes(make())
    for source, name in ((path, str(path)), (path.read_bytes(), "the picture")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a chapter may have set: the refusal must not hang on it
            with pytest.raises(CourseError) as raised:
                datasets.squash(source)
        message = str(raised.value)
        assert message.startswith(f"{name} ")
        assert says in message
        assert message.endswith(": copy it again, or save the photograph anew as a JPEG file of 8 bits a channel")
        assert "\n" not in message


def test_spoilt_exif_is_refused_because_the_turn_is_unknown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = coded(quarters(), exif=exif)
    place = whole.index(b"Exif\0\0") + 14
    with pytest.raises(CourseError, match="cannot be decoded"):
        datasets.squash(whole[:place] + b"\xff\xff" + whole[place + 2 :])


def test_what_is_not_there_or_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        CourseError, match=r"gone.jpg cannot be read \(No such file or directory\): name a picture file"
    ):
        datasets.squash(tmp_path / "gone.jpg")
    monkeypatch.setattr(fundus_pictures, "BYTES", 1 << 20)
    (tmp_path / "big.jpg").write_bytes(bytes(2 << 20))
    with pytest.raises(CourseError, match=r"big.jpg has more than 1 MB: give a photograph"):
        datasets.squash(tmp_path / "big.jpg")
