"""Readers of the files that data sets come in: IDX (MNIST) and pickled batches (CIFAR-10)."""

from __future__ import annotations

import gzip
import io
import math
import pickle
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from course_utils.datasets.splits import Split
from course_utils.errors import CourseError

__all__ = ["read_cifar_batches", "read_idx", "read_idx_pair"]

# The third byte of an IDX file names the type of its values; they are stored big-endian.
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
CIFAR_PARTS = (*TRAIN_BATCHES, "test_batch", "batches.meta")
AGAIN = "get it again (`course data get` does so for the course's data sets)"


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, gzipped or not, in the shape that its header gives and native byte order.

    The format is described by LeCun, Cortes and Burges with MNIST (1998): two zero bytes, the type of the values,
    the number of dimensions, each size as a big-endian int32, then the values.
    Raises CourseError that names the file where it is missing, unreadable, truncated or no IDX file.
    """
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise CourseError(f"{path} is not an IDX file (it begins with {content[:4].hex() or 'nothing'}): {AGAIN}")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise CourseError(f"{path} ends within its header: {AGAIN}")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    kind = np.dtype(IDX_TYPES[content[2]])
    size = start + math.prod(shape) * kind.itemsize
    if len(content) != size:
        raise CourseError(f"{path} has {len(content):,} bytes where its header promises {size:,}: {AGAIN}")
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def read_idx_pair(images: Path, labels: Path) -> Split:
    """The split in a file of images [N, H, W] and a file of labels [N], both uint8.

    Raises CourseError where the two do not belong together.
    """
    x, y = read_idx(images), read_idx(labels)
    for path, array, dimensions in ((images, x, 3), (labels, y, 1)):
        if array.ndim != dimensions or array.dtype != np.uint8:
            raise CourseError(
                f"{path} holds {array.dtype} values of {array.ndim} dimensions "
                f"where uint8 and {dimensions} are needed: {AGAIN}"
            )
    if len(x) != len(y):
        raise CourseError(f"{images} holds {len(x):,} images and {labels} {len(y):,} labels: {AGAIN}")
    return Split(x[:, None], y.astype(np.int64))


def read_cifar_batches(path: Path) -> tuple[Split, Split, tuple[str, ...]]:
    """Training split, test split and class names of CIFAR-10: images uint8 [N, 3, 32, 32], labels 0 to 9.

    path: cifar-10-python.tar.gz, the folder that it unpacks to, or a folder that holds one of them.
    Nothing is unpacked to the disk, and a pickle can build arrays and plain values only.
    Raises CourseError that names the file where one is missing, damaged or not what it should be.
    """
    path = _cifar_source(path)
    batches = dict(_cifar_parts(path))
    for name in CIFAR_PARTS:
        if name not in batches:
            raise CourseError(f"{path / name} is missing: {AGAIN}")
    splits = {name: _cifar_split(path / name, batches[name]) for name in CIFAR_PARTS[:-1]}
    names = batches["batches.meta"].get("label_names")
    if not isinstance(names, list) or len(names) != 10:
        raise CourseError(f"{path / 'batches.meta'} does not name ten classes: {AGAIN}")
    train = Split(*(np.concatenate([splits[name][field] for name in TRAIN_BATCHES]) for field in range(2)))
    return train, splits["test_batch"], tuple(_text(name) for name in names)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError:
        raise CourseError(f"{path} is missing: {AGAIN}") from None
    except IsADirectoryError:
        raise CourseError(f"{path} is a folder and should be a file: move it away") from None
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(f"{path} cannot be read ({_reason(error)}): {AGAIN}") from error


def _cifar_source(path: Path) -> Path:
    inside = [path / "cifar-10-python.tar.gz", path / "cifar-10-batches-py"]
    return next((candidate for candidate in inside if candidate.exists()), path)


def _cifar_parts(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.is_dir():
        for name in CIFAR_PARTS:
            if (path / name).exists():
                yield name, _unpickle(path / name, _content(path / name))
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:*") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if name in CIFAR_PARTS and (file := tar.extractfile(member)):
                    yield name, _unpickle(path / name, file.read())
    except FileNotFoundError:
        raise CourseError(f"{path} is missing: {AGAIN}") from None
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise CourseError(f"{path} cannot be read ({_reason(error)}): {AGAIN}") from error


def _cifar_split(path: Path, batch: dict[str, Any]) -> Split:
    images, labels = batch.get("data"), batch.get("labels")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3072,):
        raise CourseError(f"{path} holds no uint8 images of 3 x 32 x 32: {AGAIN}")
    if not isinstance(labels, list) or len(labels) != len(images):
        count = f"{len(labels):,}" if isinstance(labels, list) else "no"
        raise CourseError(f"{path} holds {len(images):,} images and {count} labels: {AGAIN}")
    if not all(isinstance(label, int) and 0 <= label < 10 for label in labels):
        raise CourseError(f"{path} holds labels that are not 0 to 9: {AGAIN}")
    return Split(images.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64))


class _Unpickler(pickle.Unpickler):
    """Builds arrays and plain values; anything else that a pickle can ask for is refused."""

    def find_class(self, module: str, name: str) -> Any:
        rebuild = np.empty(0).__reduce__()[0]  # it moved between NumPy 1 and 2
        allowed = {"_reconstruct": rebuild, "ndarray": np.ndarray, "dtype": np.dtype, "encode": _encode}
        if module.split(".")[0] in ("numpy", "_codecs") and name in allowed:
            return allowed[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def _unpickle(path: Path, content: bytes) -> dict[str, Any]:
    try:
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise CourseError(f"{path} is not a CIFAR batch ({_reason(error)}): {AGAIN}") from error
    if not isinstance(batch, dict):
        raise CourseError(f"{path} is not a CIFAR batch (it holds a {type(batch).__name__}): {AGAIN}")
    return {_text(key): value for key, value in batch.items()}


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(":")  # tarfile answers with one line for each way that it tried
