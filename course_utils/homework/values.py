"""The only things that pass between a student's process and the grader: numbers, texts, arrays, and lists of these.

    frame = encode((3, [1.5, array]))
    value = decode(frame)

A frame is JSON for the tree and raw bytes for the arrays, never pickle, so that decoding runs nobody's code. `decode`
trusts nothing: whatever it gets, it returns plain values or raises ValueError.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["LARGEST", "LIMIT", "TEXT", "Unknown", "decode", "encode", "printable"]

LIMIT = 16 * 2**20  # bytes of the arrays of one frame
TREE = 2 * 2**20  # bytes of its JSON, which takes 30 times as many once it is read
LARGEST = 8 + TREE + LIMIT
DEPTH = 8
ITEMS = 20_000
TEXT = 200_000
DTYPES = {np.dtype(name).str for name in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")}


@dataclass(frozen=True)
class Unknown:
    """A value that is none of ours; `kind` is the name of its class."""

    kind: str


def encode(value: Any) -> bytes:
    """The frame of a value: None, bool, int, float, str, array, paddle.Tensor, list, tuple, or dict with text keys.

    Whatever else is in it becomes an Unknown with its class's name. Raises ValueError where the value is too large.
    """
    chunks: list[bytes] = []
    tree = json.dumps(_tree(value, chunks, [0, 0], 0)).encode()
    if len(tree) > TREE:
        raise ValueError(f"the value takes {len(tree):,} bytes: return at most {TREE:,}, or an array")
    return len(tree).to_bytes(8, "little") + tree + b"".join(chunks)


def printable(text: str) -> str:
    """A text that others wrote, on one line, without what steers a terminal or cannot be stored."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def decode(frame: bytes | bytearray) -> Any:
    """The value of a frame: dicts, lists and tuples of plain numbers, texts, arrays and Unknowns.

    Raises ValueError for anything that `encode` would not have written.
    """
    try:
        length = int.from_bytes(frame[:8], "little")
        if len(frame) < 8 or length > len(frame) - 8:
            raise ValueError("it is cut off")
        if length > TREE or len(frame) - length - 8 > LIMIT:
            raise ValueError("it is too long")
        tree = json.loads(frame[8 : 8 + length], parse_constant=_refuse)
        return _value(tree, memoryview(frame)[8 + length :], [0, 0], 0)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"the answer is not a value of ours: {error}") from None


def _tree(value: Any, chunks: list[bytes], used: list[int], depth: int) -> Any:
    """What JSON says of a value: [kind, content]; the bytes of arrays go to `chunks`. used: items and bytes so far."""
    used[0] += 1
    if depth > DEPTH or used[0] > ITEMS:
        raise ValueError(
            f"the value has more than {DEPTH} levels or {ITEMS:,} items: return a smaller one, or an array"
        )
    if value is None or isinstance(value, bool):
        return ["plain", value]
    if isinstance(value, int):
        return ["int", str(int(value))] if abs(value) < 10**1000 else ["unknown", "int of over 1,000 digits"]
    if isinstance(value, str):
        return ["text", value[:TEXT]]
    if isinstance(value, np.ndarray | np.generic) or _is_tensor(value):
        return _array(value, chunks, used)
    if isinstance(value, float):
        return ["float", repr(float(value))]
    if isinstance(value, list | tuple | range):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return [kind, [_tree(item, chunks, used, depth + 1) for item in value]]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return ["dict", [[key[:TEXT], _tree(item, chunks, used, depth + 1)] for key, item in value.items()]]
    return ["unknown", (value.kind if isinstance(value, Unknown) else type(value).__name__)[:80]]


def _is_tensor(value: Any) -> bool:
    """Whether it is Paddle's, told without importing Paddle."""
    return type(value).__module__.split(".")[0] == "paddle" and hasattr(value, "numpy")


def _array(value: Any, chunks: list[bytes], used: list[int]) -> list[Any]:
    """An array of plain numbers for an array, a NumPy scalar or a tensor, in this machine's order and precision."""
    array = np.asarray(value.numpy() if _is_tensor(value) else value)
    dtype = array.dtype.newbyteorder("=") if array.dtype.itemsize <= 8 else np.dtype("f8")
    if array.dtype.kind not in "biuf":
        return ["unknown", f"array of {array.dtype}"[:80]]
    start = used[1]
    used[1] += array.size * dtype.itemsize
    if used[1] > LIMIT:
        raise ValueError(f"the value holds more than {LIMIT:,} bytes of arrays: return a smaller one")
    array = np.array(array, dtype, order="C", subok=False)
    chunks.append(array.tobytes())
    return ["array", array.dtype.str, list(array.shape), start]


def _value(tree: Any, data: memoryview, used: list[int], depth: int) -> Any:
    used[0] += 1
    if depth > DEPTH or used[0] > ITEMS:
        raise ValueError("it has too many items")
    kind, content = tree[0], tree[1]
    if kind == "plain" and (content is None or type(content) is bool):
        return content
    if kind == "int" and len(content) < 1100:
        return int(content)
    if kind == "float" and len(content) < 40:
        return float(content)
    if kind == "text" and len(content) <= TEXT:
        return _text(content)
    if kind == "unknown" and len(content) < 100:
        return Unknown(printable(_text(content)))
    if kind in ("list", "tuple"):
        items = [_value(item, data, used, depth + 1) for item in content]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {_text(key): _value(item, data, used, depth + 1) for key, item in content}
    if kind == "array" and content in DTYPES:
        shape, start = [int(size) for size in tree[2][:17]], int(tree[3])
        dtype, count = np.dtype(content), math.prod(shape)
        used[1] += count * dtype.itemsize
        if min([*shape, 0]) < 0 or len(shape) > 16 or start + count * dtype.itemsize != used[1] or used[1] > len(data):
            raise ValueError("an array does not lie where the last one ended")  # or a few bytes could be many arrays
        return np.frombuffer(data, dtype, count, start).reshape(shape).copy()
    raise ValueError(f"kind {str(kind)[:40]!r} is not known")


def _text(content: str) -> str:
    """A text that can be written to a file: half a surrogate pair cannot."""
    if type(content) is not str:
        raise ValueError("a text is none")
    return content.encode("utf-8", "replace").decode()


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
