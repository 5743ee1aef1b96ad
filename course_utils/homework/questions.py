"""What a homework question is: what is asked, how it is called, what is right, and which wrong answers are known.

A question is written once, and serves the student's `hw.check` with the public seed and the teacher's `course grade`
with a secret one. What it is compared with is computed by `prepare`, from the seed alone, so that the grader can have
it made by a process of its own and hold no Paddle itself.
"""

from __future__ import annotations

import copy
import inspect
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["PUBLIC_SEED", "Assignment", "Case", "Known", "Prepared", "Question", "prepare"]

PUBLIC_SEED = 0


@dataclass(frozen=True)
class Case:
    """One call: its arguments, and the part of the question that it belongs to, such as "stride"."""

    part: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Known:
    """A wrong answer that is known by name: what the mistake is, said as a hint, and the function that makes it."""

    hint: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Question:
    """A task for one function of the student.

    function: the name that the notebook defines. cases: the calls for a random generator, the easy ones first;
    every part of them gives its share of the points. oracle: the right answer. driver: how the student's object is
    called, a function of course_utils.homework.drivers ("plain" passes the arguments). tolerance: relative to the
    largest value; None is by the answer's precision. share: of an array's values that must be right, below 1 for
    predictions. avoid: names that the task forbids, told to the teacher and not judged. seconds: for one call,
    before it counts as endless.
    """

    name: str
    title: str
    function: str
    points: int
    cases: Callable[[np.random.Generator], Sequence[Case]]
    oracle: Callable[..., Any]
    known: tuple[Known, ...]
    driver: str = "plain"
    tolerance: float | None = None
    share: float = 1.0
    avoid: tuple[str, ...] = ()
    seconds: float = 10.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arguments, as the oracle has them."""
        return tuple(inspect.signature(self.oracle).parameters)


@dataclass(frozen=True)
class Assignment:
    """A homework: its name such as "hw1", its notebook's name, its title, its questions, its open questions' titles."""

    name: str
    notebook: str  # such as "hw1_counting"
    title: str
    questions: tuple[Question, ...]
    open_questions: tuple[str, ...] = ()
    paddle: bool = False  # whether its answers need Paddle

    def question(self, name: str) -> Question:
        """The question of this name; raises ValueError, with the names that exist."""
        for question in self.questions:
            if question.name == name:
                return question
        known = ", ".join(question.name for question in self.questions)
        raise ValueError(f"{self.name} has no question {name!r}: use one of {known}")


@dataclass(frozen=True)
class Prepared:
    """A case with what it is compared with: plain values only. wrong: (hint, value) of each known mistake."""

    part: str
    args: tuple[Any, ...]
    expected: Any
    wrong: tuple[tuple[str, Any], ...]


def prepare(question: Question, seed: int) -> list[Prepared]:
    """The cases of a question for a seed, each with the right answer and those of the known mistakes.

    The same seed gives the same cases everywhere. A known mistake that raises on a case has no answer there.
    """
    generator = np.random.default_rng(
        [seed, zlib.crc32(question.name.encode()), zlib.crc32(question.function.encode())]
    )
    prepared = []
    for case in question.cases(generator):
        expected = question.oracle(*copy.deepcopy(case.args))
        wrong = tuple(_mistakes(question, case))
        prepared.append(Prepared(case.part, case.args, expected, wrong))
    return prepared


def _mistakes(question: Question, case: Case) -> list[tuple[str, Any]]:
    found = []
    for known in question.known:
        try:
            with np.errstate(all="ignore"):
                found.append((known.hint, known.function(*copy.deepcopy(case.args))))
        except Exception:  # it makes another mistake than the one meant, or cannot take these arguments
            continue
    return found
