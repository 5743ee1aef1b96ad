"""Spoil each homework's reference in many small ways, and see which spoilt versions the checks let pass.

    python -m tools.mutants [hw1 …]

A mutant has one operator, number, comparison, name or argument changed, or one statement left out. One that survives is
either no mistake at all (the change makes no difference) or a gap in the question's cases: read it and decide.
"""

from __future__ import annotations

import ast
import copy
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from course_utils.homework import calls, ladder
from course_utils.homework.assignments import assignment
from course_utils.homework.ladder import Description, Reply
from course_utils.homework.questions import Question, prepare
from tools.homework import ROOT, homework_names, reference

__all__ = ["Mutant", "definition", "main", "mutants", "survivors"]

SEEDS = (0, 7)
SECONDS = 5
OTHER: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@dataclass(frozen=True)
class Mutant:
    """A spoilt definition: what was changed, and its source."""

    change: str
    source: str


def main(names: list[str]) -> int:
    """Print, for each question, how many mutants there are and which survive."""
    for full in homework_names():
        homework = assignment(full.split("_")[0])
        if names and homework.name not in names:
            continue
        sources = reference(ROOT, full)
        for question in homework.questions:
            made = mutants(definition(sources, question.function))
            alive = survivors(question, sources)
            print(f"{homework.name} {question.name} {question.function}: {len(made)} mutants, {len(alive)} survive")
            for mutant in alive:
                print(f"    {mutant.change}")
    return 0


def mutants(source: str) -> list[Mutant]:
    """Every mutant of one definition, each with one change; two with the same code count once.

    The numbers of a net are left alone: Paddle's operators may end the process over a wrong size, or not come back.
    """
    tree = ast.parse(source)
    names = sorted({node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} - {"self"})
    found: dict[str, Mutant] = {}
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(tree.body[0], ast.ClassDef) and isinstance(node, ast.Constant):
            continue
        for change, spoil in [*_changes(node), *_exchanged(node, names)]:
            spoilt = copy.deepcopy(tree)
            spoil(list(ast.walk(spoilt))[number])
            text = ast.unparse(ast.fix_missing_locations(spoilt))
            if text != ast.unparse(tree):
                found.setdefault(text, Mutant(f"line {getattr(node, 'lineno', 0)}: {change}", text))
    return list(found.values())


def survivors(question: Question, sources: list[str]) -> list[Mutant]:
    """The mutants of a question's reference that pass every case of every seed."""
    cases = [prepare(question, seed) for seed in SEEDS]
    solved: dict[str, Any] = {}
    for source in sources:
        if "hw" not in source.partition("\n")[0]:  # the cells that check
            exec(source, solved)  # our own solutions
    alive = []
    for mutant in mutants(definition(sources, question.function)):
        space = dict(solved)
        try:
            with _Alarm(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a mean of nothing and the like
                exec(mutant.source, space)
                function = space[question.function]
                if all(ladder.check(question, each, _Here(function)).verdict == "passed" for each in cases):
                    alive.append(mutant)
        except Exception:  # it cannot even be defined, or does not end
            continue
    return alive


def definition(sources: list[str], name: str) -> str:
    """The source of a function or class of the solutions; raises ValueError where they have none of this name."""
    for source in sources:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                return ast.unparse(node)
    raise ValueError(f"the solutions do not define {name}")


def _changes(node: Any) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """What can be spoilt at a node: a clause that says it, and the function that does it to a copy."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and (other := OTHER.get(type(node.op))):
        name = f"{type(node.op).__name__} becomes {other.__name__}"
        yield f"{name} in {ast.unparse(node)[:50]}", _with("op", other())
    if isinstance(node, ast.BinOp):
        yield f"only the left of {ast.unparse(node)[:50]}", lambda copied: _become(copied, copied.left)
        yield f"only the right of {ast.unparse(node)[:50]}", lambda copied: _become(copied, copied.right)
    if isinstance(node, ast.Compare) and (other := OTHER.get(type(node.ops[0]))):
        yield (
            f"{ast.unparse(node)[:50]} the other way",
            _with("ops", [other(), *node.ops[1:]]),
        )
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for step in (1, -1):
            value: Any = node.value
            yield f"{value} becomes {value + step}", _with("value", value + step)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"{ast.unparse(node)[:50]} without its sign", lambda copied: _become(copied, copied.operand)
    if isinstance(node, ast.Call) and len(node.args) > 1 and ast.unparse(node.func) not in ("min", "max"):
        yield (
            f"arguments of {ast.unparse(node)[:50]} reversed",
            _with("args", node.args[::-1]),
        )
    for field in ("body", "orelse"):
        lines = getattr(node, field, None)
        if isinstance(lines, list) and isinstance(node, ast.stmt):
            for place, line in enumerate(lines):
                if not isinstance(line, ast.Return):
                    yield f"without {ast.unparse(line)[:50]}", _without(field, place)


def _exchanged(node: Any, names: list[str]) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """One argument read in another's place."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for name in names:
            yield f"{node.id} becomes {name}", _with("id", name)


def _with(field: str, value: Any) -> Callable[[Any], None]:
    return lambda copied: setattr(copied, field, copy.deepcopy(value))


def _without(field: str, place: int) -> Callable[[Any], None]:
    def spoil(copied: Any) -> None:
        getattr(copied, field)[place] = ast.Pass()

    return spoil


def _become(node: Any, other: Any) -> None:
    """Put another expression in a node's place, in place."""
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)


class _Here:
    """A ladder.Student for one function."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def describe(self, function: str) -> Description:
        return calls.described(self.function)

    def call(self, function: str, driver: str, args: tuple[Any, ...], seconds: float) -> Reply:
        reply = calls.call(self.function, driver, args)
        if isinstance(reply, ladder.Raised) and reply.kind == "TimeoutError":
            raise TimeoutError  # of our alarm
        return reply


class _Alarm:
    """Raises TimeoutError in what runs too long, where the system has alarms."""

    def __enter__(self) -> None:
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self._ring)
            signal.alarm(SECONDS)

    def __exit__(self, *error: object) -> None:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise TimeoutError


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
