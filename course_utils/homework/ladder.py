"""The check ladder: one answer against one question, one sentence for the first rung that fails.

    defined -> callable -> raised -> type -> shape -> finite -> values

It sees plain values only, whether they come from the student's own notebook or from a process that the grader runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from course_utils.homework.compare import a, difference, like, same
from course_utils.homework.questions import Prepared, Question

__all__ = ["Crashed", "Description", "Outcome", "Raised", "Returned", "Student", "TimedOut", "check"]


@dataclass(frozen=True)
class Returned:
    """The value of a call, decoded."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """An exception of the student's code: its class, its first sentence, and where in the student's own lines."""

    kind: str
    sentence: str
    where: str = ""


@dataclass(frozen=True)
class TimedOut:
    """No answer within this time; whole: it was the time for everything in the notebook together."""

    seconds: float
    whole: bool = False


@dataclass(frozen=True)
class Crashed:
    """The process ended; `why` is a clause such as "it ended with signal 11"."""

    why: str


Reply = Returned | Raised | TimedOut | Crashed


@dataclass(frozen=True)
class Description:
    """What the name of a question stands for. least, most: positional arguments it takes; most None for any number."""

    callable: bool
    kind: str
    least: int = 0
    most: int | None = None


class Student(Protocol):
    """Whoever can be asked: the notebook that calls `hw.check`, or a process with a submission in it."""

    def describe(self, function: str) -> Description | Raised | TimedOut | Crashed | None:
        """What stands under that name; None where nothing does."""

    def call(self, function: str, driver: str, args: tuple[Any, ...], seconds: float) -> Reply:
        """One call with copies of these arguments."""


@dataclass(frozen=True)
class Outcome:
    """How a question went. verdict: passed, partly, wrong, raised, timed out, crashed or missing.

    sentence: what was wrong, of the first case that failed; hint: the known mistake behind it, or nothing. parts: which
    parts of the question passed. details: got and expected, for the public seed only.
    """

    question: str
    verdict: str
    points: float
    maximum: int
    sentence: str = ""
    hint: str = ""
    parts: dict[str, bool] = field(default_factory=dict)
    details: str = ""


def check(question: Question, cases: list[Prepared], student: Student) -> Outcome:
    """Judge one question on prepared cases; each part whose cases all pass gives its share of the points."""
    parts = dict.fromkeys((case.part for case in cases), True)
    problem = _described(question, cases, student)
    if problem:
        return Outcome(question.name, problem[0], 0, question.points, problem[1], parts=dict.fromkeys(parts, False))
    first: _Fault | None = None
    known: list[tuple[bool, set[str]]] = []  # of each answer: whether it is right, and the mistakes that give it
    for number, case in enumerate(cases):
        reply = student.call(question.function, question.driver, case.args, question.seconds)
        fault = _judge(question, case, reply)
        if isinstance(reply, Returned):
            known.append((fault is None, _mistakes(question, case, reply.value)))
        if fault is None:
            continue
        parts[case.part] = False
        first = first or fault
        if fault.verdict in ("timed out", "crashed"):  # the cases that are left would only take as long again
            parts |= dict.fromkeys((later.part for later in cases[number:]), False)
            break
    if first is None:
        return Outcome(question.name, "passed", question.points, question.points, parts=parts)
    points = round(question.points * sum(parts.values()) / len(parts), 2)
    verdict = "partly" if points else first.verdict
    hint = _hint(question, known) if first.verdict == "wrong" else ""
    return Outcome(question.name, verdict, points, question.points, first.sentence, hint, parts, first.details)


@dataclass(frozen=True)
class _Fault:
    verdict: str
    sentence: str
    details: str = ""


def _described(question: Question, cases: list[Prepared], student: Student) -> tuple[str, str] | None:
    """Rungs one and two: verdict and sentence where the name is missing or cannot be called like this."""
    found, name = student.describe(question.function), question.function
    if found is None:
        return "missing", f"There is no {name} yet: run the cell that defines it."
    if not isinstance(found, Description):
        fault = _judge(question, cases[0], found)
        assert fault is not None
        return fault.verdict, fault.sentence
    if not found.callable:
        return "wrong", f"{name} is {a(found.kind)}, and should be a function of ({', '.join(question.parameters)})."
    if question.driver == "network":  # called with its sizes, not with all that the grader hands over
        return None
    wanted = len(cases[0].args)
    if found.least > wanted or (found.most is not None and found.most < wanted):
        takes = str(found.least) if found.most == found.least else f"{found.least} or more"
        names = ", ".join(question.parameters)
        plural = "s" * (takes != "1")
        return "wrong", f"{name} takes {takes} argument{plural}, and should take {wanted}: {name}({names})."
    return None


def _judge(question: Question, case: Prepared, reply: Reply) -> _Fault | None:
    """The other rungs, for one case."""
    name = _call(question, case.args)
    if isinstance(reply, TimedOut) and reply.whole:
        return _Fault("timed out", f"It was not asked: the whole notebook took more than {reply.seconds:g} s.")
    if isinstance(reply, TimedOut):
        return _Fault("timed out", f"{name} did not end within {reply.seconds:g} s: look for an endless loop.")
    if isinstance(reply, Crashed):
        return _Fault("crashed", f"{name} ended the whole process: {reply.why}.")
    if isinstance(reply, Raised):
        where = f" ({reply.where})" if reply.where else ""
        sentence = reply.sentence.rstrip(".")
        if reply.kind == "NotImplementedError":
            return _Fault("missing", f"{question.function} is still the empty sketch: write its body.")
        return _Fault("raised", f"{name} raised {reply.kind}: {sentence}{where}.")
    problem = _other_layers(reply.value, case.expected) if question.driver == "network" else ""
    if problem:
        return _Fault("wrong", f"{name}: {problem}")
    got, problem = like(reply.value, case.expected, "the result")
    if problem:
        return _Fault("wrong", f"{name}: {problem}")
    if question.share < 1:
        return _too_few(question, case, np.asarray(got))
    worst = difference(got, case.expected, question.tolerance)
    return None if worst is None else _Fault("wrong", f"{name}: {worst[0]}", worst[1])


def _other_layers(value: Any, expected: Any) -> str:
    """Where a net's trainable parameters differ in number or shape from those that are asked for, in one sentence."""
    got = value.get("shapes") if isinstance(value, dict) else None
    wanted = [list(shape) for shape in expected["shapes"]]
    if not isinstance(got, list) or got == wanted:
        return ""
    first = next((n for n, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), None)
    counts = f"your net has {len(got)} trainable parameters, and {len(wanted)} are asked for"
    if first is None:
        return f"{counts}; as far as they go, their shapes are right."
    return f"{counts}; the first that differs is number {first + 1}: {got[first]}, not {wanted[first]}."


def _too_few(question: Question, case: Prepared, got: np.ndarray) -> _Fault | None:
    """For predictions: how many must be right."""
    right, total = int((got == case.expected).sum()), got.size
    if right >= question.share * total:
        return None
    wanted = f"{right} of {total} are right, and {question.share:.0%} are asked for."
    return _Fault("wrong", f"{question.function}: {wanted}")


def _mistakes(question: Question, case: Prepared, value: Any) -> set[str]:
    """The known mistakes that give this value."""
    return {hint for hint, wrong in case.wrong if same(value, wrong, question.tolerance)}


def _hint(question: Question, answers: list[tuple[bool, set[str]]]) -> str:
    """The known mistake that gives the first wrong answer, and as many of the others as any; or nothing."""
    first: set[str] = next((mistakes for right, mistakes in answers if not right), set())
    explained = [known.hint for known in question.known if known.hint in first]
    return max(explained, key=lambda hint: sum(hint in mistakes for _, mistakes in answers), default="")


def _call(question: Question, args: tuple[Any, ...]) -> str:
    """The call as a student would write it, arrays by their shape."""
    if question.driver == "network":
        sizes, _, x = args
        return f"{question.function}({', '.join(map(str, sizes))}) on an input {list(x.shape)}"
    return f"{question.function}({', '.join(map(_argument, args))})"


def _argument(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array{list(value.shape)}"
    if isinstance(value, dict):
        return "{…}"
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__} of {len(value)}"
