"""The report of a graded homework: a table for the teacher, a file for programs, pages to read, pairs to look at.

    write_report(rows, homework, Path("report"), Facts(seed=7, isolation=isolation()))

Two reports of the same files with the same seed differ in report.json's times and in nothing else.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.homework import pages
from course_utils.homework.grade import Row
from course_utils.homework.questions import Assignment
from course_utils.homework.similar import similar_pairs

__all__ = ["Facts", "read_marks", "read_roster", "write_csv", "write_report"]

FORMULA = tuple("=+-@")


@dataclass(frozen=True)
class Facts:
    """What a report is about: the seed of the cases, how code was kept apart, who belongs to the class, marks by hand.

    roster: names by student id, or nothing. marks: points for open questions by student id and question number from 1.
    """

    seed: int
    isolation: str
    roster: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[tuple[str, int], float] = field(default_factory=dict)


def write_report(rows: Sequence[Row], homework: Assignment, out: Path, facts: Facts) -> None:
    """Write grades.csv, report.json, similar.csv, index.html and a page for each student into `out`."""
    everyone = [*rows, *_absent(rows, homework, facts.roster)]
    everyone.sort(key=lambda row: row.student)
    lines = [_line(row, homework, facts) for row in everyone]
    write_csv(out / "grades.csv", lines)
    pairs = similar_pairs({row.student: row.answers for row in rows})
    columns = ("question", "student", "other", "alike")
    write_csv(out / "similar.csv", [dict(zip(columns, pair, strict=True)) for pair in pairs], columns)
    _write_marks(out / "marks.csv", everyone, homework)
    found = {
        "homework": homework.name,
        "seed": facts.seed,
        "isolation": facts.isolation,
        "grades": lines,
        "rows": [_without_answers(row) for row in everyone],
        "seconds": {row.file: row.seconds for row in rows},
    }
    _write(out / "report.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    students = out / "students"
    students.mkdir(exist_ok=True)
    written = set()
    for row, line in zip(everyone, lines, strict=True):
        path = students / f"{pages.file_name(row.student)}.html"
        _write(path, pages.student_page(row, line, homework))
        written.add(path)
    for path in set(students.glob("*.html")) - written:  # of students who are no longer there
        path.unlink()
    _write(out / "index.html", pages.summary_page(everyone, lines, homework, facts.seed, facts.isolation, pairs))


def read_roster(path: Path) -> dict[str, str]:
    """Names by student id from a CSV with the columns id and name; raises CourseError where they are missing."""
    lines = _read_csv(path, ("id", "name"))
    return {_meant(line["id"].strip()): line["name"].strip() for line in lines if line["id"].strip()}


def read_marks(path: Path) -> dict[tuple[str, int], float]:
    """Points for open questions from the CSV student, question, points, which a teacher fills; empty ones are skipped.

    Raises CourseError where a column is missing or a point is no number.
    """
    marks = {}
    for number, line in enumerate(_read_csv(path, ("student", "question", "points")), 2):
        if line["points"].strip():
            try:
                marks[_meant(line["student"]), int(line["question"])] = _mark(line["points"])
            except ValueError:
                raise CourseError(
                    f"{path.name}, line {number}: give the number of the question and of its points, not "
                    f"{line['question']!r} and {line['points']!r}"
                ) from None
    return marks


def _mark(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


def _absent(rows: Iterable[Row], homework: Assignment, roster: Mapping[str, str]) -> list[Row]:
    present = {row.student for row in rows}
    return [
        Row(student, "", "", False, (), ("nothing handed in",), {}, 0) for student in roster if student not in present
    ]


def _line(row: Row, homework: Assignment, facts: Facts) -> dict[str, Any]:
    """A row of grades.csv."""
    points = {outcome.question: outcome.points for outcome in row.outcomes}
    questions = {question.name: points.get(question.name, 0) for question in homework.questions}
    opened = {
        f"open{number}": facts.marks.get((row.student, number), "")
        for number, _ in enumerate(homework.open_questions, 1)
    }
    total = sum(questions.values()) + sum(mark for mark in opened.values() if isinstance(mark, float))
    unknown = bool(facts.roster) and row.student not in facts.roster
    notes = (*row.notes, *(["not on the roster"] if unknown else []))
    return {
        "student": row.student,
        **({"name": facts.roster.get(row.student, "")} if facts.roster else {}),
        "file": row.file,
        "handed in": row.changed,
        "late": "late" if row.late else "",
        **questions,
        **opened,
        "total": round(total, 2),
        "of": sum(question.points for question in homework.questions),
        "notes": "; ".join(notes),
    }


def _without_answers(row: Row) -> dict[str, Any]:
    facts = dataclasses.asdict(row)
    return {key: value for key, value in facts.items() if key not in ("answers", "seconds")}


def _write_marks(path: Path, rows: Iterable[Row], homework: Assignment) -> None:
    """The table that the teacher fills for the open questions; one that is there is not touched."""
    if homework.open_questions and not path.exists():
        numbers = range(1, len(homework.open_questions) + 1)
        write_csv(path, [{"student": row.student, "question": n, "points": ""} for row in rows for n in numbers])


def write_csv(path: Path, lines: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """With a mark at its beginning by which spreadsheets know UTF-8, and no cell that they would take for a formula."""
    with path.with_suffix(".part").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]) if lines else list(columns))
        writer.writeheader()
        writer.writerows({key: _harmless(value) for key, value in line.items()} for line in lines)
    path.with_suffix(".part").replace(path)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value


def _meant(value: str) -> str:
    """What `_harmless` made its text of."""
    return value[1:] if value[:1] == "'" and value[1:2] in FORMULA else value


def _read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}): give a CSV with {', '.join(columns)}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")  # what Excel writes on a Chinese Windows
    lines = csv.DictReader(text.splitlines())
    if missing := [column for column in columns if column not in (lines.fieldnames or ())]:
        raise CourseError(f"{path.name} has no column {missing[0]!r}: its first line must name {', '.join(columns)}")
    return [{key: line[key] or "" for key in columns} for line in lines]


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
