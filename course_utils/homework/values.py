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

__all__ = ["LIMIT", "Unknown", "decode", "encode"]

LIMIT = 64 * 2**20  # bytes of one frame
DEPTH = 8
ITEMS = 20_000
TEXT = 20_000
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
    counter = [0]
    tree = json.dumps(_tree(value, chunks, counter, 0)).encode()
    size = len(tree) + sum(map(len, chunks))
    if size > LIMIT:
        raise ValueError(f"the value takes {size:,} bytes: return at most {LIMIT:,}")
    return len(tree).to_bytes(8, "little") + tree + b"".join(chunks)


def decode(frame: bytes) -> Any:
    """The value of a frame: dicts, lists and tuples of plain numbers, texts, arrays and Unknowns.

    Raises ValueError for anything that `encode` would not have written.
    """
    try:
        if len(frame) > LIMIT + 8:
            raise ValueError("it is too long")
        length = int.from_bytes(frame[:8], "little")
        if length > len(frame) - 8:
            raise ValueError("it is cut off")
        tree = json.loads(frame[8 : 8 + length], parse_constant=_refuse)
        return _value(tree, memoryview(frame)[8 + length :], [0], 0)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"the answer is not a value of ours: {error}") from None


def _tree(value: Any, chunks: list[bytes], counter: list[int], depth: int) -> Any:
    """What JSON says of a value: [kind, content]; the bytes of arrays go to `chunks`."""
    counter[0] += 1
    if depth > DEPTH or counter[0] > ITEMS:
        raise ValueError(
            f"the value has more than {DEPTH} levels or {ITEMS:,} items: return a smaller one, or an array"
        )
    if value is None or type(value) is bool:
        return ["plain", value]
    if type(value) is int:
        return ["int", str(value)[:TEXT]] if abs(value) < 10**1000 else ["unknown", "int of over 1,000 digits"]
    if type(value) is float:
        return ["float", repr(value)]
    if type(value) is str:
        return ["text", value[:TEXT]]
    if type(value) in (list, tuple):
        return [type(value).__name__, [_tree(item, chunks, counter, depth + 1) for item in value]]
    if type(value) is dict and all(type(key) is str for key in value):
        return ["dict", [[key[:TEXT], _tree(item, chunks, counter, depth + 1)] for key, item in value.items()]]
    array = _array(value)
    if array is None:
        return ["unknown", type(value).__name__[:80]]
    start = sum(map(len, chunks))
    if array.nbytes + start > LIMIT:
        raise ValueError(f"the value holds more than {LIMIT:,} bytes of arrays: return a smaller one")
    chunks.append(array.tobytes())
    return ["array", array.dtype.str, list(array.shape), start]


def _array(value: Any) -> np.ndarray | None:
    """An array of plain numbers for an array, a NumPy scalar or a Paddle tensor; None for anything else."""
    if type(value).__module__.split(".")[0] == "paddle" and hasattr(value, "numpy"):
        value = value.numpy()
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.array(value, order="C", subok=False)
    return array if array.dtype.str in DTYPES else None


def _value(tree: Any, data: memoryview, counter: list[int], depth: int) -> Any:
    counter[0] += 1
    if depth > DEPTH or counter[0] > ITEMS:
        raise ValueError("it has too many items")
    kind, content = tree[0], tree[1]
    if kind == "plain" and (content is None or type(content) is bool):
        return content
    if kind == "int" and len(content) < 1100:
        return int(content)
    if kind == "float" and len(content) < 40:
        return float(content)
    if kind == "text" and len(content) <= TEXT:
        return str(content)
    if kind == "unknown" and len(content) < 100:
        return Unknown(str(content))
    if kind in ("list", "tuple"):
        items = [_value(item, data, counter, depth + 1) for item in content]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {str(key): _value(item, data, counter, depth + 1) for key, item in content}
    if kind == "array" and content in DTYPES:
        shape, start = [int(size) for size in tree[2]], int(tree[3])
        dtype, count = np.dtype(content), math.prod(shape)
        if min([*shape, start, 0]) < 0 or len(shape) > 16 or start + count * dtype.itemsize > len(data):
            raise ValueError("an array is not as long as it says")
        return np.frombuffer(data, dtype, count, start).reshape(shape).copy()
    raise ValueError(f"kind {str(kind)[:40]!r} is not known")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
