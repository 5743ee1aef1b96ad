"""Pairs of students whose answers are nearly the same: something to look at, and no verdict.

Two short right answers are often alike by necessity; a long answer with the same odd turns is not. Names of variables,
layout and comments do not count.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

__all__ = ["similar_pairs"]

LEAST = 40  # pieces of a syntax tree; a shorter answer leaves no choice
ALIKE = 0.9
RUN = 5  # neighbouring pieces that make one shingle


def similar_pairs(answers: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str, str, float]]:
    """(question, student, other student, share of common pieces), the most alike first.

    answers: by student and question, Python code that parses. The share is that of the shingles of both answers that
    they have in common (Broder, On the resemblance and containment of documents, 1997).
    """
    questions = sorted({question for given in answers.values() for question in given})
    found = []
    for question in questions:
        shingles = {}
        for student in sorted(answers):
            pieces = list(_pieces(answers[student].get(question, "")))
            if len(pieces) >= LEAST:
                shingles[student] = Counter(zip(*(pieces[i:] for i in range(RUN)), strict=False))
        for (one, first), (other, second) in itertools.combinations(shingles.items(), 2):
            alike = (first & second).total() / (first | second).total()
            if alike >= ALIKE:
                found.append((question, one, other, round(alike, 3)))
    return sorted(found, key=lambda pair: (-pair[3], pair))


def _pieces(code: str) -> Iterator[str]:
    """Kinds of nodes, operators, constants and attribute names in order; own names are left out."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            yield repr(node.value)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif not isinstance(node, ast.expr_context):
            yield type(node).__name__
