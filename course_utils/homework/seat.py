"""The student's seat: `hw.check` under a cell, and `hw.progress` at the end.

hw = Homework("hw1")
hw.check("q1", output_size)
hw.progress()
"""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import Any

from course_utils.homework import assignments, calls, ladder
from course_utils.homework.ladder import Description, Outcome, Raised, Reply
from course_utils.homework.questions import PUBLIC_SEED, Prepared, prepare

__all__ = ["Homework", "Progress", "Verdict"]

OPEN = "open questions: marked by your teacher"
# Text and background keep the page's colours, light or dark; on a narrow page the table is moved, and no word broken.
STYLE = """
.hw-progress{overflow-x:auto}.hw-progress table{border-collapse:collapse;margin:.3em 0}
.hw-progress :is(th,td){text-align:left!important;vertical-align:top!important;padding:.25em .7em;white-space:nowrap}
.hw-progress td:nth-child(2){min-width:9em;white-space:normal;overflow-wrap:normal;word-break:normal}
.hw-progress :is(th,td):last-child{text-align:right!important}
.hw-progress td[class]::before{content:"\\25cf\\a0";color:#d55e00}
.hw-progress .passed::before{color:#009e73!important}.hw-progress .partly::before{color:#e69f00!important}
.hw-progress .not-checked::before{color:#888!important}
.hw-progress tbody tr:last-child td{border-top:1px solid #999;font-weight:bold}
""".replace("\n", "")


@dataclass(frozen=True)
class Verdict:
    """What `hw.check` says: the verdict, one sentence, a hint, and what was got and expected."""

    title: str
    outcome: Outcome

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.outcome.verdict}, {self.outcome.points:g} of {self.outcome.maximum} points"]
        lines += [text for text in (self.outcome.sentence, self._details(), self._hint(), self._parts()) if text]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        first, *others = str(self).splitlines()
        colour = {"passed": "#009e73", "partly": "#e69f00"}.get(self.outcome.verdict, "#d55e00")
        rest = "".join(f"<br>{html.escape(line)}" for line in others)
        box = f"border-left:.4em solid {colour};padding:.3em .8em;margin:.3em 0"
        return f'<div style="{box}"><strong>{html.escape(first)}</strong>{rest}</div>'

    def _details(self) -> str:
        return self.outcome.details and f"{self.outcome.details}."

    def _hint(self) -> str:
        return self.outcome.hint and f"Hint: {self.outcome.hint}"

    def _parts(self) -> str:
        if self.outcome.verdict != "partly":
            return ""
        passed = [name for name, good in self.outcome.parts.items() if good]
        left = [name for name, good in self.outcome.parts.items() if not good]
        return f"Passed: {', '.join(passed)}. Still open: {', '.join(left)}."


@dataclass(frozen=True)
class Progress:
    """A row for each question: its title, the verdict of its last check, and its points."""

    rows: tuple[tuple[str, str, str, float, int], ...]

    def __str__(self) -> str:
        width = max(len(title) for _, title, *_ in self.rows)
        lines = [
            f"{name:4} {title:{width}}  {verdict:12} {points:5g} / {of}"
            for name, title, verdict, points, of in self.rows
        ]
        points, total = self._sums()
        return "\n".join([*lines, f"{'sum':4} {'':{width}}  {'':12} {points:5g} / {total}", OPEN])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        points, total = self._sums()
        body = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(title)}</td>"
            f'<td class="{verdict.replace(" ", "-")}">{html.escape(verdict)}</td><td>{got:g} / {of}</td></tr>'
            for name, title, verdict, got, of in self.rows
        )
        body += f"<tr><td>sum</td><td></td><td></td><td>{points:g} / {total}</td></tr>"
        head = "<tr><th></th><th>question</th><th>last check</th><th>points</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return f'<style scoped>{STYLE}</style><div class="hw-progress">{table}<p>{OPEN}</p></div>'

    def _sums(self) -> tuple[float, int]:
        return sum(row[3] for row in self.rows), sum(row[4] for row in self.rows)


class Homework:
    """The checks of one homework in a notebook. Raises ValueError, with the names that exist, for an unknown one.

    Where the notebook is graded, the checks in it say nothing: the grader asks each function itself.
    """

    def __init__(self, name: str) -> None:
        graded = os.environ.get("COURSE_GRADING") == "1"
        self._assignment = None if graded else assignments.assignment(name)
        self._prepared: dict[str, list[Prepared]] = {}
        self._outcomes: dict[str, Outcome] = {}

    def check(self, name: str, answer: Any = None) -> Verdict | None:
        """Check one question with the public seed. answer: the function itself, as in hw.check("q1", conv2d)."""
        if self._assignment is None:
            return None
        question = self._assignment.question(name)
        if name not in self._prepared:
            self._prepared[name] = prepare(question, PUBLIC_SEED)
        outcome = ladder.check(question, self._prepared[name], _Here(answer))
        self._outcomes[name] = outcome
        return Verdict(f"{name} {question.title}", outcome)

    def progress(self) -> Progress | None:
        """Every question with the verdict of its last check in this session."""
        if self._assignment is None:
            return None
        rows = []
        for question in self._assignment.questions:
            outcome = self._outcomes.get(question.name)
            verdict, points = (outcome.verdict, outcome.points) if outcome else ("not checked", 0.0)
            rows.append((question.name, question.title, verdict, points, question.points))
        return Progress(tuple(rows))


class _Here:
    """A ladder.Student for a function in this very process."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def describe(self, function: str) -> Description | None:
        return None if self.answer is None else calls.described(self.answer)

    def call(self, function: str, driver: str, args: tuple[Any, ...], seconds: float) -> Reply:
        reply = calls.call(self.answer, driver, args)
        if isinstance(reply, Raised) and reply.kind == "KeyboardInterrupt":
            raise KeyboardInterrupt  # the student stopped an endless loop
        return reply
