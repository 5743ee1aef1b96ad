"""The report's pages in HTML: one for each student, and a summary for the teacher. They need no network."""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from course_utils.homework.grade import Row
from course_utils.homework.questions import Assignment

__all__ = ["file_name", "student_page", "summary_page"]

STYLE = """
body{font:16px/1.5 system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif;max-width:76rem;margin:1.5rem auto;
  padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}
.scroll{overflow-x:auto} td,li,p{overflow-wrap:anywhere} h1{margin-bottom:.2rem} small{color:#555}
.n{text-align:right;font-variant-numeric:tabular-nums} .n,td a{white-space:nowrap}
.scroll td{overflow-wrap:break-word} .scroll td:last-child{min-width:12rem}
.card{border-left:.4rem solid #d55e00;padding:.2rem .9rem;margin:.9rem 0}
.passed{border-color:#009e73} .partly{border-color:#e69f00}
.bars{display:flex;align-items:flex-end;height:5.5rem;gap:2px;border-bottom:1px solid #888}
.bars div{flex:1;background:#0072b2;min-height:1px;position:relative}
.bars span{position:absolute;top:-1.3rem;width:100%;text-align:center;font-size:.75rem}
.axis{display:flex;gap:2px;font-size:.75rem} .axis span{flex:1;text-align:center}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:1.2rem 2rem}
.grid h3{margin:.2rem 0 1.4rem;font-size:1rem}
"""


def file_name(student: str) -> str:
    """A name for a student's page that any file system takes; ids that look alike there stay apart."""
    if re.fullmatch(r"(?!(con|prn|aux|nul|com\d|lpt\d)$)[a-z0-9_-]{1,60}", student):
        return student
    plain = re.sub(r"[^\w-]", "_", student)[:40] or "_"
    return f"{plain}.{hashlib.sha256(student.encode()).hexdigest()[:10]}"


def student_page(row: Row, line: Mapping[str, Any], homework: Assignment) -> str:
    """What a student gets to read: verdict, sentence and hint for each question, and no expected answers."""
    titles = {question.name: question.title for question in homework.questions}
    cards = []
    for outcome in row.outcomes:
        heading = f"{outcome.question} {titles[outcome.question]}: {outcome.verdict}"
        texts = [outcome.sentence, f"Hint: {outcome.hint}" if outcome.hint else "", _parts(outcome.parts)]
        body = "".join(f"<p>{_text(text)}</p>" for text in texts if text and outcome.verdict != "passed")
        points = f"{outcome.points:g} of {outcome.maximum} points"
        cards.append(f'<div class="card {outcome.verdict}"><strong>{_text(heading)}</strong>, {points}{body}</div>')
    opened = "".join(
        f"<li>{_text(title)} <strong>{_marked(line.get(f'open{number}', ''))}</strong></li>"
        for number, title in enumerate(homework.open_questions, 1)
    )
    notes = "".join(f"<li>{_text(note)}</li>" for note in row.notes)
    handed_in = f", handed in {row.changed.replace('T', ' ')}{', late' if row.late else ''}" if row.changed else ""
    return _page(
        f"{homework.title}: {row.student}",
        f"<p>{line['total']:g} points; the checked questions have {line['of']}. "
        f"File: {_text(row.file or 'none')}{handed_in}.</p>"
        + "".join(cards)
        + (f"<h2>Open questions</h2><ul>{opened}</ul>" if opened else "")
        + (f"<h2>Notes</h2><ul>{notes}</ul>" if notes else ""),
    )


def summary_page(
    rows: Sequence[Row],
    lines: Sequence[Mapping[str, Any]],
    homework: Assignment,
    seed: int,
    isolation: str,
    pairs: Sequence[tuple[str, str, str, float]],
) -> str:
    """What the teacher reads: the table, a histogram for each question, the commonest mistakes, and pairs."""
    graded = [row for row in rows if row.outcomes]
    body = f"<p>{len(graded)} graded of {len(rows)}. Seed {seed}. Students' code was {_text(isolation)}.</p>"
    body += "<h2>Points</h2>" + _table(lines, homework)
    body += '<h2>How each question went</h2><div class="grid">'
    for index, question in enumerate(homework.questions):
        points = [row.outcomes[index].points for row in graded]
        heading = f"<h3>{_text(question.name)} {_text(question.title)}</h3>"
        body += f"<section>{heading}{_histogram(points, question.points)}</section>"
    body += "</div><h2>Commonest mistakes</h2>" + _mistakes(graded)
    if pairs:
        shown = "".join(
            f"<li>{_text(f'{q}: {one} and {other}, {alike:.0%} alike')}</li>" for q, one, other, alike in pairs[:30]
        )
        body += f"<h2>Pairs to look at</h2><p>Nearly the same code. That alone proves nothing.</p><ul>{shown}</ul>"
    return _page(f"{homework.name}: {homework.title}", body)


def _table(lines: Sequence[Mapping[str, Any]], homework: Assignment) -> str:
    names = [name for name in (lines[0] if lines else []) if name not in ("file", "handed in", "of")]
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = ""
    for line in lines:
        cells = ""
        for name in names:
            value, number = line[name], isinstance(line[name], int | float)
            text = (
                f'<a href="students/{file_name(value)}.html">{_text(value)}</a>'
                if name == "student"
                else _text(_brief(value) if name == "notes" else _points(value))
            )
            cells += f'<td class="n">{text}</td>' if number else f"<td>{text}</td>"
        body += f"<tr>{cells}</tr>"
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _histogram(points: Sequence[float], maximum: int) -> str:
    """Students by points, in steps of one, rounded down."""
    counts = Counter(int(value) for value in points)
    most = max(counts.values(), default=1)
    bars = "".join(
        f'<div style="height:{100 * counts[value] / most:.0f}%"><span>{counts[value] or ""}</span></div>'
        for value in range(maximum + 1)
    )
    axis = "".join(f"<span>{value}</span>" for value in range(maximum + 1))
    return f'<div class="bars">{bars}</div><div class="axis">{axis}</div><small>students by points</small>'


def _mistakes(rows: Sequence[Row]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for outcome in row.outcomes:
            if outcome.verdict != "passed":
                unnamed = "another mistake" if outcome.verdict in ("wrong", "partly") else outcome.verdict
                counts[outcome.question, outcome.hint or unnamed] += 1
    if not counts:
        return "<p>None.</p>"
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:15]
    return (
        "<ul>"
        + "".join(f"<li>{count} × {_text(question)}: {_text(what)}</li>" for (question, what), count in ranked)
        + "</ul>"
    )


def _parts(parts: Mapping[str, bool]) -> str:
    passed = [name for name, good in parts.items() if good]
    return (
        f"Passed: {', '.join(passed)}. Still open: {', '.join(name for name in parts if name not in passed)}."
        if passed
        else ""
    )


def _brief(notes: str) -> str:
    """The beginning of a student's notes; the student's page has them all."""
    return notes if len(notes) <= 160 else f"{notes[:150].rsplit(' ', 1)[0]} …"


def _marked(value: Any) -> str:
    return "not marked yet" if value == "" else f"{value:g} points"


def _points(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _text(value: Any) -> str:
    return html.escape(str(value))


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{_text(title)}</title>'
    page = f"<head>{head}<style>{STYLE}</style></head><body><h1>{_text(title)}</h1>{body}</body>"
    return f"<!doctype html>\n<html>{page}</html>\n"
