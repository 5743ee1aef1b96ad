"""Grade what a class handed in: one row a student, each question by the check ladder, whatever the files do.

    rows = grade("hw1", Path("handed_in"), Path("report"), Plan(jobs=2, seed=7))

Each row is kept as soon as it is done, so a run that was stopped goes on where it stood and gives the same report.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from course_utils.errors import CourseError
from course_utils.homework import ladder, sources
from course_utils.homework.assignments import assignment
from course_utils.homework.expected import expected_cases
from course_utils.homework.ladder import Outcome
from course_utils.homework.process import Limits, StudentProcess, isolation
from course_utils.homework.questions import Assignment, Prepared
from course_utils.homework.scratch import Scratch, sweep
from course_utils.homework.submissions import Found, Sheet, read_sheet, submissions

__all__ = ["Plan", "Row", "grade", "grade_sheet"]


@dataclass(frozen=True)
class Plan:
    """How to grade.

    regrade: a student whose kept row is not used. shard: (k, n), grade the k-th of n parts, from 1. report: called with
    each row as it is done.
    """

    jobs: int = 1
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    resume: bool = True
    regrade: str = ""
    shard: tuple[int, int] = (1, 1)
    deadline: datetime | None = None
    report: Callable[[Row], None] | None = None


@dataclass(frozen=True)
class Row:
    """What came of one file: who, which file, an outcome for each question, notes, and the seconds that it took."""

    student: str
    file: str
    changed: str
    late: bool
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    answers: dict[str, str]  # the student's own code of each question, to look for pairs
    seconds: float

    @property
    def points(self) -> float:
        """The sum over the questions."""
        return round(sum(outcome.points for outcome in self.outcomes), 2)


def grade(name: str, source: Path, out: Path, plan: Plan) -> list[Row]:
    """Grade every notebook in `source`; rows in the order of student and file.

    Of two files of one student the later one counts, and both are told. Raises CourseError where there is nothing to
    grade or `out` cannot be written.
    """
    homework = assignment(name)
    kept = out / "rows"
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(f"{out} cannot be written ({error.strerror}): give another folder with --out") from None
    sweep()
    with Scratch() as scratch, ThreadPoolExecutor(plan.jobs) as pool:
        found = list(submissions(source, scratch.path))[plan.shard[0] - 1 :: plan.shard[1]]
        cases = expected_cases(name, plan.seed)
        rows = list(pool.map(lambda each: _row(each, homework, cases, kept, plan), found))
    if plan.regrade and plan.regrade not in {row.student for row in rows}:
        raise CourseError(f"there is no submission of {plan.regrade!r} to grade again: give an id of grades.csv")
    return _latest(rows)


def _row(found: Found, homework: Assignment, cases: dict[str, list[Prepared]], kept: Path, plan: Plan) -> Row:
    """The row of one file, graded now or before."""
    path = kept / f"{_digest(found, homework, plan)}.json"
    changed = found.changed.isoformat(timespec="minutes")
    late = plan.deadline is not None and found.changed > plan.deadline
    if plan.resume and (row := _read(path)) and row.student != plan.regrade:
        return dataclasses.replace(row, changed=changed, late=late)
    began = time.monotonic()
    sheet = read_sheet(found.path) if found.path else Sheet(problem=found.problem)
    outcomes, notes = grade_sheet(sheet, homework, cases, plan.limits)
    outcomes = tuple(dataclasses.replace(each, details="") for each in outcomes)  # expected values stay with the grader
    row = Row(
        student=sheet.student or _student(found.name, homework),
        file=found.name,
        changed=changed,
        late=late,
        outcomes=outcomes,
        notes=notes,
        answers=sources.answers(sheet.cells, homework),
        seconds=round(time.monotonic() - began, 2),
    )
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dataclasses.asdict(row)), "utf-8")
    part.replace(path)
    if plan.report:
        plan.report(row)
    return row


def _digest(found: Found, homework: Assignment, plan: Plan) -> str:
    """The same for the same file under the same name, graded on the same questions with the same seed and limits."""
    asked = [(question.name, question.function, question.points) for question in homework.questions]
    facts = found.name, found.problem, homework.name, asked, plan.seed, plan.limits, isolation()
    digest = hashlib.sha256(repr(facts).encode())
    if found.path:
        with found.path.open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
    return digest.hexdigest()[:24]


def grade_sheet(
    sheet: Sheet, homework: Assignment, cases: dict[str, list[Prepared]], limits: Limits
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """The outcome of each question, and what to tell the teacher; a sheet with a problem has nothing but that."""
    if sheet.problem:
        lost = [Outcome(each.name, "missing", 0, each.points, sheet.problem) for each in homework.questions]
        return tuple(lost), (sheet.problem,)
    paddle = homework.paddle or any(re.search(r"^\s*(import|from) paddle", cell, re.MULTILINE) for cell in sheet.cells)
    with StudentProcess(sheet.cells, paddle, limits) as student:
        outcomes = []
        for question in homework.questions:
            outcome = ladder.check(question, cases[question.name], student)
            if outcome.verdict == "missing" and (why := _why_missing(question.function, sheet.cells, student.notes)):
                outcome = dataclasses.replace(outcome, sentence=why)
            outcomes.append(outcome)
        notes = [
            *sheet.notes,
            *(student.notes[cell] for cell in sorted(student.notes)),
            *sources.remarks(sheet.cells, homework),
        ]
    return tuple(outcomes), tuple(notes)


def _why_missing(function: str, cells: Iterable[str], notes: dict[int, str]) -> str:
    """The cell that would have defined the function, where it failed."""
    for number, source in enumerate(cells, 1):
        if number in notes and re.search(rf"\b(def|class)\s+{function}\b|^{function}\s*=", source, re.MULTILINE):
            return f"There is no {function}, since {notes[number]}."
    return ""


def _student(name: str, homework: Assignment) -> str:
    """The file's name without ending and homework; where nothing is left, that of the nearest folder that says more."""
    path = PurePosixPath(name)
    for part in (path.stem, *(folder.removesuffix(".zip") for folder in reversed(path.parts[:-1]))):
        rest = re.sub(rf"^({homework.notebook}|{homework.name})?[ _-]*", "", part, flags=re.IGNORECASE)
        if rest:
            return rest
    return path.stem


def _latest(rows: list[Row]) -> list[Row]:
    """One row a student: the file that was changed last, with a note of the others."""
    by_student: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.student, row.changed, row.file)):
        by_student.setdefault(row.student, []).append(row)
    chosen = []
    for same in by_student.values():
        others = ", ".join(row.file for row in same[:-1])
        note = f"{len(same)} files of this student: {same[-1].file} counted, not {others}"
        chosen.append(dataclasses.replace(same[-1], notes=(*same[-1].notes, note)) if len(same) > 1 else same[-1])
    return chosen


def _read(path: Path) -> Row | None:
    """A row that an earlier run kept; None where there is none or it was cut off."""
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        outcomes = tuple(Outcome(**outcome) for outcome in facts.pop("outcomes"))
        return Row(**facts | {"outcomes": outcomes, "notes": tuple(facts["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
