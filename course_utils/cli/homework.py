"""`course check`, `course grade` and `course gradebook`: a homework checked at home, graded, and merged over a term."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from course_utils.errors import CourseError

__all__ = ["check", "grade", "gradebook"]


def check(
    file: Annotated[Path, typer.Argument(help="Your homework notebook, such as study/homework/hw1_counting.ipynb.")],
) -> None:
    """Check every question of a homework notebook, with the numbers that its own checks use."""
    from course_utils.homework.assignments import NAMES, assignment
    from course_utils.homework.expected import expected_cases
    from course_utils.homework.grade import grade_sheet
    from course_utils.homework.process import Limits
    from course_utils.homework.questions import PUBLIC_SEED
    from course_utils.homework.submissions import read_sheet

    if not file.is_file():
        raise CourseError(f"{file} does not exist: give the path of your homework notebook")
    sheet = read_sheet(file)
    named = re.findall(r"Homework\(['\"](\w+)['\"]", "\n".join(sheet.cells)) + re.findall(r"hw\d", file.name)
    name = next((name for name in named if name in NAMES), None)
    if sheet.problem or name is None:
        raise CourseError(
            sheet.problem or f"{file.name} does not say which homework it is: keep its cell hw = Homework(…)"
        )
    homework = assignment(name)
    outcomes, notes = grade_sheet(sheet, homework, expected_cases(name, PUBLIC_SEED), Limits())
    for question, outcome in zip(homework.questions, outcomes, strict=True):
        typer.echo(f"{question.name} {question.title}: {outcome.verdict}, {outcome.points:g} of {outcome.maximum}")
        details = outcome.details and f"{outcome.details}."
        for text in (outcome.sentence, details, outcome.hint and f"Hint: {outcome.hint}"):
            if text:
                typer.echo(f"   {text}")
    typer.echo(f"{sum(each.points for each in outcomes):g} of {sum(each.maximum for each in outcomes)} points")
    for note in notes:
        typer.echo(f"Note: {note}")


def grade(
    homework: Annotated[str, typer.Argument(metavar="HW", help="hw1 to hw7")],
    submissions: Annotated[Path, typer.Argument(help="A notebook, or a folder or zip of them.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time.")] = 1,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the numbers in the checks; secret and random without it.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for a cell or a call; 30 times as many for a notebook.")
    ] = 10.0,
    memory: Annotated[float, typer.Option(min=1.0, help="GB for one submission.")] = 4.0,
    resume: Annotated[bool, typer.Option(help="Keep the rows that are graded already.")] = True,
    regrade: Annotated[str, typer.Option(metavar="ID", help="Grade this student again, and keep the others.")] = "",
    roster: Annotated[Path | None, typer.Option(help="CSV with id and name: tells who handed in nothing.")] = None,
    deadline: Annotated[datetime | None, typer.Option(help="Later files are marked as late.")] = None,
    shard: Annotated[str, typer.Option(metavar="K/N", help="Grade the K-th of N parts only.")] = "1/1",
) -> None:
    """Grade what a class handed in, and write the report: tables, pages, and pairs of answers to look at."""
    from course_utils.homework.assignments import NAMES, assignment
    from course_utils.homework.grade import Plan, Row
    from course_utils.homework.grade import grade as graded
    from course_utils.homework.process import Limits, isolation
    from course_utils.homework.report import Facts, read_marks, read_roster, write_report

    if homework not in NAMES:
        raise CourseError(f"there is no homework {homework!r}: use one of {', '.join(NAMES)}")
    part = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not part or not 1 <= int(part[1]) <= int(part[2]):
        raise CourseError(f"--shard {shard} is no part: use K/N with K from 1 to N, such as 2/4")
    names = read_roster(roster) if roster else {}
    typer.echo(isolation())

    def tell(row: Row) -> None:
        typer.echo(f"{row.student}: {row.points:g} points" + (f" ({row.notes[0]})" if row.notes else ""))

    plan = Plan(
        jobs=jobs,
        seed=_seed(out, seed),
        limits=Limits(seconds=timeout, total=30 * timeout, memory=int(memory * 2**30)),
        resume=resume,
        regrade=regrade,
        shard=(int(part[1]), int(part[2])),
        deadline=deadline,
        report=tell,
    )
    rows = graded(homework, submissions, out, plan)
    marks = read_marks(out / "marks.csv") if (out / "marks.csv").exists() else {}
    if plan.shard != (1, 1):
        names = {student: name for student, name in names.items() if student in {row.student for row in rows}}
    write_report(rows, assignment(homework), out, Facts(plan.seed, isolation(), names, marks))
    typer.echo(f"{len(rows)} students: {out / 'index.html'}, {out / 'grades.csv'}")


def gradebook(
    reports: Annotated[list[Path], typer.Argument(help="Folders that `course grade` wrote.")],
    to: Annotated[Path, typer.Option(help="The CSV to write.")] = Path("gradebook.csv"),
) -> None:
    """Merge reports of several homeworks, or of parts of one, into one CSV with a row a student."""
    from course_utils.homework.gradebook import merge

    count = merge(reports, to)
    typer.echo(f"{count} students: {to}")


def _seed(out: Path, asked: int | None) -> int:
    """The seed asked for, or that of a report to go on with, or a new secret one, kept beside the report."""
    kept = out / "seed.txt"
    try:
        if asked is None and kept.exists():
            return int(kept.read_text("utf-8"))
        seed = secrets.randbelow(2**31) if asked is None else asked
        out.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"{seed}\n", "utf-8")
    except OSError as error:
        raise CourseError(f"{out} cannot be written ({error.strerror}): give another folder with --out") from None
    except ValueError:
        raise CourseError(f"{kept} holds no seed: delete it, or give --seed") from None
    return seed
