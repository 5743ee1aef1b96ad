"""One table for a term: the reports of several homeworks, or of parts of one, merged by student."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.homework.report import write_csv

__all__ = ["merge"]


def merge(reports: Sequence[Path], to: Path) -> int:
    """Write a CSV with a column for each homework and their sum, which a learning platform imports.

    reports: folders that `course grade` wrote; parts of one homework (--shard) may stand beside each other.
    Of two files of one student in two parts the later one counts, as within one report.
    Returns the number of students. Raises CourseError where a folder holds no report, or the CSV cannot be written.
    """
    lines: dict[tuple[str, str], dict[str, Any]] = {}  # by student and homework
    names: dict[str, str] = {}
    homeworks: set[str] = set()
    for report in map(_read, reports):
        homework = str(report["homework"])
        homeworks.add(homework)
        for line in report["grades"]:
            student = str(line["student"])
            names[student] = line.get("name") or names.get(student, "")
            lines[student, homework] = max(line, lines.get((student, homework), line), key=_handed_in)
    columns = sorted(homeworks)
    table = []
    for student in sorted(names):
        found = [lines.get((student, homework)) for homework in columns]
        points = [line["total"] if line else 0 for line in found]
        row = {"id": student, "name": names[student], **dict(zip(columns, points, strict=True))}
        table.append(row | {"total": round(sum(points), 2)})
    try:
        write_csv(to, table, ("id", "name", *columns, "total"))
    except OSError as error:
        raise CourseError(f"{to} cannot be written ({error.strerror}): give another path with --to") from None
    return len(names)


def _handed_in(line: dict[str, Any]) -> tuple[str, str]:
    return line["handed in"], line["file"]


def _read(folder: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
        report["homework"], report["grades"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(f"{folder} holds no report: give folders that `course grade` wrote") from None
    return report
