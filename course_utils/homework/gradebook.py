"""One table for a term: the reports of several homeworks, or of parts of one, merged by student."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError

__all__ = ["merge"]


def merge(reports: Sequence[Path], to: Path) -> int:
    """Write a CSV with a column for each homework and their sum, which a learning platform imports.

    reports: folders that `course grade` wrote; parts of one homework (--shard) may stand beside each other.
    Returns the number of students. Raises CourseError where a folder holds no report, or two parts grade one student.
    """
    totals: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    handed_in: set[tuple[str, str]] = set()
    homeworks: set[str] = set()
    for folder in reports:
        report = _read(folder)
        homework = str(report["homework"])
        homeworks.add(homework)
        for line in report["grades"]:
            student = str(line["student"])
            names[student] = line.get("name", names.get(student, ""))
            if line["file"] and (student, homework) in handed_in:
                raise CourseError(f"{student} was graded twice for {homework}: give each part of the class once")
            if line["file"]:
                handed_in.add((student, homework))
            known = totals.setdefault(student, {})
            known[homework] = max(known.get(homework, 0), float(line["total"]))
    columns = sorted(homeworks)
    part = to.with_suffix(".part")
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", *columns, "total"])
        for student in sorted(totals):
            points = [totals[student].get(homework, 0) for homework in columns]
            row = [student, names[student], *(f"{value:g}" for value in points), f"{sum(points):g}"]
            writer.writerow([f"'{cell}" if cell[:1] in tuple("=+-@") else cell for cell in row])
    part.replace(to)
    return len(totals)


def _read(folder: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
        report["homework"], report["grades"]
    except (OSError, ValueError, KeyError):
        raise CourseError(f"{folder} holds no report: give folders that `course grade` wrote") from None
    return report
