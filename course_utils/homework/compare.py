"""Whether a value is the one that was wanted: generous in form, strict in content, and a sentence where it is not.

A list may stand for an array, a NumPy number for Python's, float32 for float64; a wrong shape or value may not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.homework.values import Unknown

__all__ = ["TOLERANCES", "a", "difference", "like", "same"]

# Of the largest expected value, by the coarsest precision on the way; whole numbers must be exact.
TOLERANCES = {"f2": 1e-2, "f4": 1e-4, "f8": 1e-6}


def same(value: Any, wanted: Any, tolerance: float | None) -> bool:
    """Whether a value has the wanted form and content."""
    got, problem = like(value, wanted, "it")
    return not problem and difference(got, wanted, tolerance) is None


def like(value: Any, wanted: Any, what: str) -> tuple[Any, str]:
    """The value in the form of the wanted one, generously; or what keeps it from that, in one sentence."""
    if value is None:
        return None, f"{what} is None: end the function with return."
    if isinstance(value, Unknown):
        return None, f"{what} is {a(value.kind)}, not {_kind(wanted)}."
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return None, f"{what} is {_kind(value)}, not {_kind(wanted)}."
        if missing := [key for key in wanted if key not in value]:
            return None, f"{what} has no entry {missing[0]!r}."
        return _likes({key: value[key] for key in wanted}.items(), wanted, what)
    if isinstance(wanted, list | tuple):
        if not isinstance(value, list | tuple) and not (isinstance(value, np.ndarray) and value.ndim):
            return None, f"{what} is {_kind(value)}, not {_kind(wanted)}."
        if len(value) != len(wanted):
            return None, f"{what} has {len(value)} items, not {len(wanted)}."
        return _likes(enumerate(value), wanted, what)
    if isinstance(wanted, str) or wanted is None:
        return (value, "") if isinstance(value, str) else (None, f"{what} is {_kind(value)}, not {_kind(wanted)}.")
    return _array_like(value, np.asarray(wanted), wanted, what)


def _likes(pairs: Any, wanted: Any, what: str) -> tuple[Any, str]:
    found = {}
    for key, item in pairs:
        place = f"entry {key!r} of {what}" if isinstance(wanted, dict) else f"item {key} of {what}"
        found[key], problem = like(item, wanted[key], place)
        if problem:
            return None, problem
    return found, ""


def _array_like(value: Any, target: np.ndarray, wanted: Any, what: str) -> tuple[Any, str]:
    if isinstance(value, str | dict) or (isinstance(value, bool) and target.dtype != bool):
        return None, f"{what} is {_kind(value)}, not {_kind(wanted)}."
    if (count := _count(value)) > max(target.size, 10_000):  # an array of them all could take far more memory
        return None, f"{what} holds {count:,} values, not {target.size:,}."
    try:
        got = np.asarray(value)
    except ValueError:
        return None, f"{what} is a list whose rows differ in length, not {_kind(wanted)}."
    if got.dtype.kind not in "biuf" or (target.dtype == bool) != (got.dtype == bool):
        return None, f"{what} is {_kind(value)}, not {_kind(wanted)}."
    if got.shape == (1,) and target.shape == ():
        got = got.reshape(())
    if got.shape != target.shape:
        return None, f"{what} has the shape {list(got.shape)}, not {list(target.shape)}."
    if got.dtype.kind == "f" and np.isnan(got).any() and not np.isnan(target).any():
        return None, f"{what} holds {int(np.isnan(got).sum())} nan of {got.size}."
    return got, ""


def _count(value: Any) -> int:
    return sum(map(_count, value)) if isinstance(value, list | tuple) else np.size(value)


def difference(got: Any, wanted: Any, tolerance: float | None) -> tuple[str, str] | None:
    """None where they agree; else the sentence for everyone, and got and expected for the public seed."""
    if isinstance(wanted, dict | list | tuple):
        keys = wanted if isinstance(wanted, dict) else range(len(wanted))
        for key in keys:
            if worst := difference(got[key], wanted[key], tolerance):
                sentence, details = (text.removeprefix("entry ") for text in worst)
                mark = ", " if worst[0].startswith("entry ") else ": "
                return f"entry {key!r}{mark}{sentence}", f"entry {key!r}{mark}{details}"
        return None
    if isinstance(wanted, str):
        return None if got == wanted else ("the text differs.", f"got {got[:60]!r}, expected {wanted!r}")
    got, target = np.asarray(got), np.asarray(wanted)
    if target.dtype.kind in "biu":
        bad = np.asarray(got != target)
    else:
        precision = min(got.dtype.str[1:] if got.dtype.kind == "f" else "f8", target.dtype.str[1:])
        largest = np.abs(target[np.isfinite(target)]).max(initial=0)
        allowed = (TOLERANCES[precision] if tolerance is None else tolerance) * max(float(largest), 1e-30)
        with np.errstate(invalid="ignore"):
            distance = np.abs(got.astype("f8") - target.astype("f8"))
        agree = (got == target) | (np.isnan(got) & np.isnan(target.astype("f8")))
        bad = ~agree & ~(distance <= allowed)
    if not bad.any():
        return None
    place = np.unravel_index(int(np.argmax(bad)), bad.shape) if bad.ndim else ()
    where = f" at {[int(index) for index in place]}" if place else ""
    count = f"{int(bad.sum())} of {bad.size} values are wrong, first{where}" if bad.size > 1 else "the value is wrong"
    return f"{count}.", f"got {_number(got[place])}, expected {_number(target[place])}"


def _number(value: Any) -> str:
    return f"{int(value):,}" if np.asarray(value).dtype.kind in "biu" else f"{float(value):.6g}"


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray | np.generic):
        if value.ndim:
            return f"an array {list(value.shape)} of {value.dtype}"
        value = value.item()
    names = {bool: "True or False", int: "a whole number", float: "a number", str: "a text", dict: "a dict"}
    return names.get(type(value), "None")


def a(kind: str) -> str:
    """A noun with its article."""
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
