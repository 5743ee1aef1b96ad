"""What both seats share: describe and call a student's function, and say what it raised in one sentence.

Runs beside the student's code: in the notebook that calls `hw.check`, or in the process that the grader started.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable
from typing import Any

from course_utils.homework.drivers import DRIVERS
from course_utils.homework.ladder import Description, Raised, Returned
from course_utils.homework.values import decode, encode

__all__ = ["call", "described", "raised"]


def described(answer: Any) -> Description:
    """What an object is, and how many positional arguments it takes."""
    if not callable(answer):
        return Description(False, type(answer).__name__)
    try:
        parameters = inspect.signature(answer).parameters.values()
    except Exception:  # a builtin without one, or an object that claims to have one
        return Description(True, "function")
    places = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    least = sum(each.default is each.empty for each in places)
    any_number = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return Description(True, "function", least, None if any_number else len(places))


def call(answer: Callable[..., Any], driver: str, args: tuple[Any, ...]) -> Returned | Raised:
    """The value of one call with copies of the arguments, as the grader will see it; or what was raised."""
    try:
        return Returned(decode(encode(DRIVERS[driver](answer, *decode(encode(args))))))
    except BaseException as error:  # also SystemExit and KeyboardInterrupt, which are the student's here
        return raised(error)


def raised(error: BaseException) -> Raised:
    """Class, first sentence and line of an exception; only lines of the notebook's own cells are named."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "ipython-input" in frame.filename or "ipykernel_" in frame.filename]
    where = f"line {own[-1].lineno} of {own[-1].name}" if own and own[-1].name != "<module>" else ""
    try:
        text = str(error)[:100_000]
    except Exception:  # a hostile or broken __str__
        text = "its message cannot be read"
    text = re.sub(r"<ipython-input[^>]{0,40}>, ", "", text)  # in a SyntaxError
    kind = re.sub(r"\W", "", type(error).__name__)[:60]
    return Raised(kind, _first_sentence(text), where)


def _first_sentence(text: str) -> str:
    """The sentence that matters: Paddle's errors have a kind before it, and places in C++ around it."""
    _, summary, rest = text.partition("Error Message Summary")
    text = re.sub(r"^(\([A-Z]\w+\) |[\s:-]*\w+Error: )", "", rest if summary else text)
    lines = re.split(r"\n\s*\[Hint|\(at /", text)[0].split("\n")
    first = next((line for line in lines if line.strip()), "no message")
    return " ".join(first.split()) if len(first) <= 300 else f"{' '.join(first[:299].split())}…"
