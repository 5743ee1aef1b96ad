"""What a notebook's code shows without running it: each answer's own code, and what a teacher may want to look at.

Nothing here is part of a verdict.
"""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from course_utils.homework.questions import Assignment

__all__ = ["answers", "remarks"]

LONGEST = 20_000  # characters of a cell that is read, and of an answer
CHECKS = r"course_utils import homework\b|course_utils\.homework[ .]+(import[ (]+)?(?!Homework\b|import\b)\w"


@dataclass(frozen=True)
class _Bound:
    """What the last statement that binds a name says, without comments or layout, and the names that it uses."""

    text: str
    uses: frozenset[str]
    defines: bool


def answers(cells: Iterable[str], homework: Assignment) -> dict[str, str]:
    """The last definition of each question's function, where it has a readable length, by the question's name."""
    bound = _bound(cells)
    found = {question.name: bound.get(question.function) for question in homework.questions}
    return {name: each.text for name, each in found.items() if each and each.defines and len(each.text) <= LONGEST}


def remarks(cells: Iterable[str], homework: Assignment) -> list[str]:
    """Functions that are defined again, forbidden names that an answer leads to, and imports of the checks."""
    cells = list(cells)
    text, bound = "\n".join(cells), _bound(cells)
    found, avoided = [], defaultdict(list)
    for question in homework.questions:
        times = len(re.findall(rf"^(?:def|class)\s+{question.function}\b", text, re.MULTILINE))
        if times > 1:
            found.append(f"{question.function} is defined {times} times: the last one counted")
        behind = "\n".join(_behind(question.function, bound))
        for name in question.avoid:
            if re.search(rf"(?<!\w){re.escape(name)}" + r"(?!\w)" * name[-1].isalnum(), behind):
                avoided[name.rstrip("(.")].append(question.name)
    for name, questions in avoided.items():
        found.append(f"the notebook uses {name} for {' and '.join(questions)}, where the task forbids it")
    if re.search(CHECKS, text):
        found.append("the notebook looks into the checks themselves")
    return found


def _behind(function: str, bound: dict[str, _Bound]) -> Iterator[str]:
    """The code of a function and of everything in the notebook that its names lead to, without names of functions."""
    names, seen = [function], set()
    while names:
        name = names.pop()
        if name in bound and name not in seen:
            seen.add(name)
            names += sorted(bound[name].uses)
            yield re.sub(r"\b(def|class) \w+", "", bound[name].text)


def _bound(cells: Iterable[str]) -> dict[str, _Bound]:
    """What the top level of the cells binds, by name; cells that do not parse bind nothing."""
    found: dict[str, _Bound] = {}
    for source in cells:
        plain = re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE)
        if len(plain) > LONGEST:
            continue
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an escape in a text that Python does not know
            for node in ast.parse(plain).body:
                uses = frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))
                defines = isinstance(node, ast.FunctionDef | ast.ClassDef)
                found |= dict.fromkeys(_names(node), _Bound(ast.unparse(node), uses, defines))
    return found


def _names(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds, also within an if or a try."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
        return
    for each in ast.walk(node):
        if isinstance(each, ast.alias):
            yield (each.asname or each.name).split(".")[0]
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
        elif isinstance(each, ast.FunctionDef | ast.ClassDef):
            yield each.name
