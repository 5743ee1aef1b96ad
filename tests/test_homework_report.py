"""The report of a class: tables, pages, pairs to look at, marks by hand, a term's grade book."""

import csv
import dataclasses
import json
import re

import pytest

from course_utils.errors import CourseError
from course_utils.homework import Homework, gradebook, hw1, pages, report, similar
from course_utils.homework.grade import Row
from course_utils.homework.ladder import Outcome
from course_utils.homework.report import Facts
from course_utils.homework.seat import Progress

HOMEWORK = hw1.ASSIGNMENT
LONG = """def f(a, b):
    total = 0
    for i in range(a):
        total += (i * b - 3) // 7
        if total > 100:
            total = total % 11 - a.size
    return total * 2 + a % 5"""


def row(student, points=None, **others):
    """A row with these points of the questions in turn; full marks without."""
    outcomes = []
    for question, value in zip(HOMEWORK.questions, points or [q.points for q in HOMEWORK.questions], strict=True):
        verdict = "passed" if value == question.points else "partly" if value else "wrong"
        parts = {"example": value > 0, "stride": value == question.points}
        sentence = "" if verdict == "passed" else f"{question.function}(1): the value is wrong."
        hint = "" if verdict == "passed" else "the stride is left out."
        outcomes.append(Outcome(question.name, verdict, value, question.points, sentence, hint, parts))
    facts = {"student": student, "file": f"{student}.ipynb", "changed": "2026-11-21T15:58", "late": False}
    facts |= {"outcomes": tuple(outcomes), "notes": (), "answers": {}, "seconds": 1.25}
    return Row(**facts | others)


def written(tmp_path, rows, **facts):
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    report.write_report(rows, HOMEWORK, out, Facts(7, "isolated by x", **facts))
    return out


def read(path):
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")  # by which spreadsheets know UTF-8
    return list(csv.DictReader(text.decode("utf-8-sig").splitlines()))


def test_the_table_has_a_column_a_question(tmp_path):
    rows = [row("b", [4, 2, 0, 0, 4, 6], late=True, notes=("odd", "twice")), row("a")]
    lines = read(written(tmp_path, rows) / "grades.csv")
    assert list(lines[0]) == [
        *["student", "file", "handed in", "late"],
        *["q1", "q2", "q3", "q4", "q5", "q6", "open1", "total", "of", "notes"],
    ]
    assert [line["student"] for line in lines] == ["a", "b"]
    assert lines[1] | {"file": ""} == {
        **dict(zip(["q1", "q2", "q3", "q4", "q5", "q6"], ["4", "2", "0", "0", "4", "6"], strict=True)),
        **{"student": "b", "file": "", "handed in": "2026-11-21T15:58", "late": "late", "open1": ""},
        **{"total": "16", "of": "30", "notes": "odd; twice"},
    }


def test_a_roster_tells_who_handed_in_nothing_and_who_is_not_on_it(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes("id,name,group\na,安娜,1\n c ,Carl,2\n,empty,\n'=d,Dora,1\n".encode("gb18030"))
    roster = report.read_roster(path)
    assert roster == {"a": "安娜", "c": "Carl", "=d": "Dora"}
    lines = {
        line["student"]: line for line in read(written(tmp_path, [row("a"), row("x")], roster=roster) / "grades.csv")
    }
    assert lines["a"]["name"] == "安娜"
    assert (lines["c"]["total"], lines["c"]["notes"], lines["c"]["q1"]) == ("0", "nothing handed in", "0")
    assert lines["x"]["notes"] == "not on the roster"
    assert "'=d" in lines
    page = (tmp_path / "out" / "students" / "c.html").read_text("utf-8")
    assert "File: none." in page
    assert "handed in" not in page.replace("nothing handed in", "")


def test_marks_for_open_questions_are_filled_in_by_hand_and_kept(tmp_path):
    out = written(tmp_path, [row("a"), row("=b")])
    assert "Open questions" in (out / "students" / "a.html").read_text("utf-8")
    assert "not marked yet" in (out / "students" / "a.html").read_text("utf-8")
    lines = read(out / "marks.csv")
    assert lines == [
        {"student": "'=b", "question": "1", "points": ""},
        {"student": "a", "question": "1", "points": ""},
    ]
    filled = "student,question,points\n'=b,1,4.5\na,1,6\n"
    (out / "marks.csv").write_text(filled, "utf-8")
    marks = report.read_marks(out / "marks.csv")
    assert marks == {("=b", 1): 4.5, ("a", 1): 6.0}
    lines = {
        line["student"]: line for line in read(written(tmp_path, [row("a"), row("=b")], marks=marks) / "grades.csv")
    }
    assert (lines["a"]["open1"], lines["a"]["total"], lines["'=b"]["total"]) == ("6.0", "36.0", "34.5")
    assert (out / "marks.csv").read_text("utf-8") == filled  # never overwritten
    assert "6 points" in (out / "students" / "a.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "student,points\na,1\n",
            "marks.csv has no column 'question': its first line must name student, question, points",
        ),
        ("student,question,points\na,1,many\n", "marks.csv, line 2: .* not '1' and 'many'"),
        ("student,question,points\na,1,1\na,one,2\n", "line 3: .* not 'one' and '2'"),
        ("student,question,points\na,1,nan\n", "line 2: .* not '1' and 'nan'"),
        ("", "marks.csv has no column 'student'"),
        ("student,question,points\n", None),
        ("student,question,points\na,1\n", None),
    ],
)
def test_marks_that_are_none(text, message, tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(text, "utf-8")
    if message is None:
        assert report.read_marks(path) == {}
    else:
        with pytest.raises(CourseError, match=message):
            report.read_marks(path)


def test_a_roster_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CourseError, match=r"none.csv cannot be read .*: give a CSV with id, name"):
        report.read_roster(tmp_path / "none.csv")


def test_the_report_for_programs_holds_no_answers_and_its_times_apart(tmp_path):
    facts = json.loads((written(tmp_path, [row("张")]) / "report.json").read_text("utf-8"))
    assert (facts["homework"], facts["seed"], facts["isolation"]) == ("hw1", 7, "isolated by x")
    assert facts["seconds"] == {"张.ipynb": 1.25}
    assert set(facts["rows"][0]) == {"student", "file", "changed", "late", "outcomes", "notes"}
    assert facts["rows"][0]["outcomes"][0]["verdict"] == "passed"


def test_two_reports_of_the_same_rows_are_the_same_and_old_pages_are_gone(tmp_path):
    def files(out):
        return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    rows = [row("a"), row("b", [0] * 6)]
    first = files(written(tmp_path, rows))
    (tmp_path / "out" / "students" / "note.txt").write_text("mine")
    written(tmp_path, [*rows, row("gone")])
    assert (tmp_path / "out" / "students" / "gone.html").exists()
    (tmp_path / "out" / "students" / "note.txt").unlink()
    (tmp_path / "out" / "marks.csv").unlink()
    again = files(written(tmp_path, [dataclasses.replace(each, seconds=9) for each in reversed(rows)]))
    one, other = (json.loads(found.pop(next(p for p in found if p.name == "report.json"))) for found in (first, again))
    assert first == again
    assert one.pop("seconds") != other.pop("seconds")
    assert one == other
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.parametrize("student", ["=1+1", "+1", "-1", "@x", "=HYPERLINK(1)"])
def test_no_cell_is_a_formula(student, tmp_path):
    out = written(tmp_path, [row(student, notes=("=2+2",))])
    line = read(out / "grades.csv")[0]
    assert line["student"] == f"'{student}"
    assert line["file"] == f"'{student}.ipynb"
    assert line["notes"] == "'=2+2"
    assert report._meant(line["student"]) == student
    gradebook.merge([out], tmp_path / "book.csv")
    assert read(tmp_path / "book.csv")[0]["id"] == f"'{student}"


@pytest.mark.parametrize(
    "name", ["Anna", "anna", "ANNA", "张伟", "a b", "../../x", "con", "", "x" * 200, "a.b", "a_b", "é", "e\u0301"]
)
def test_every_student_has_a_page_of_any_file_systems_name(name):
    others = {"Anna", "anna", "ANNA", "a b", "a.b", "a_b", "é", "e\u0301", "con", "aux"} - {name}
    found = pages.file_name(name)
    assert re.fullmatch(r"[\w.-]{1,60}", found)
    assert found.casefold() not in {pages.file_name(other).casefold() for other in others}
    assert found.lower() not in ("con", "aux", "nul")


def test_pages_tell_verdicts_hints_and_nothing_that_is_no_html(tmp_path):
    evil = dataclasses.replace(row("a").outcomes[0], verdict="wrong", points=0, sentence="<script>alert(1)</script>")
    rows = [
        row("<b>x</b>", [4, 2, 0, 0, 4, 6], notes=("<i>note</i>",)),
        row("a", outcomes=(evil, *row("a").outcomes[1:])),
    ]
    out = written(tmp_path, rows)
    page = (out / "students" / f"{pages.file_name('<b>x</b>')}.html").read_text("utf-8")
    assert "handed in 2026-11-21 15:58." in page
    assert "q2 Parameters of a convolution: partly" in page
    assert "Hint: the stride is left out." in page
    assert "Passed: example. Still open: stride." in page
    for text in [path.read_text("utf-8") for path in out.rglob("*.html")]:
        assert "<script" not in text
        assert "<i>" not in text
        assert "<b>" not in text
        assert "http" not in text  # they need no network
    late = written(tmp_path, [row("l", late=True)]) / "students" / "l.html"
    assert "15:58, late." in late.read_text("utf-8")


def test_the_summary_counts_points_and_mistakes(tmp_path):
    rows = [row("a"), row("b", [0, 4, 6, 6, 4, 6], notes=("long " * 50,)), row("c", [0, 2, 6, 6, 4, 6])]
    text = (written(tmp_path, rows, roster={"a": "A", "z": "Z"}) / "index.html").read_text("utf-8")
    assert "3 graded of 4. Seed 7. Students' code was isolated by x." in text
    assert "2 × q1: the stride is left out." in text
    assert "1 × q2: the stride is left out." in text
    assert "<span>2</span></div>" in text  # two students without a point in question 1
    assert '<a href="students/a.html">a</a>' in text
    assert "white-space:nowrap" in text
    assert "long long …</td>" in text
    assert "long " * 40 not in text
    assert "Pairs to look at" not in text
    assert "<p>None.</p>" in (written(tmp_path, [row("a")]) / "index.html").read_text("utf-8")
    empty = written(tmp_path, [], roster={"z": "Z"})
    assert "0 graded of 1" in (empty / "index.html").read_text("utf-8")


def test_nearly_the_same_answers_are_pairs_to_look_at(tmp_path):
    renamed = LONG.replace("total", "x").replace("a,", "q,").replace("    ", "  ")
    other = "def f(a, b):\n    return sum((i * b - 3) // 7 for i in range(a)) * 2 + a % 5"
    answers = {"a": {"q1": LONG}, "b": {"q1": renamed}, "c": {"q1": other}, "d": {"q1": "def f(): 1"}, "e": {}}
    assert similar.similar_pairs(answers) == [("q1", "a", "b", 1.0)]
    assert similar.similar_pairs({"a": {"q1": LONG + "\n# x = 'text'"}, "b": {"q1": LONG.replace("3", "5")}}) == []
    out = written(tmp_path, [row(name, answers=found) for name, found in answers.items()])
    assert read(out / "similar.csv") == [{"question": "q1", "student": "a", "other": "b", "alike": "1.0"}]
    text = (out / "index.html").read_text("utf-8")
    assert "q1: a and b, 100% alike" in text
    assert "That alone proves nothing." in text


def test_a_term_is_merged_by_student(tmp_path):
    folders = []
    for name, points, kind in (("one", 4, "hw1"), ("two", 2, "hw2")):
        out = tmp_path / name
        out.mkdir()
        rows = [row("a", [points, 0, 0, 0, 0, 0]), row(name)]
        report.write_report(rows, dataclasses.replace(HOMEWORK, name=kind), out, Facts(1, "x", {"a": "Ann"}))
        folders.append(out)
    assert gradebook.merge(folders, tmp_path / "book.csv") == 3
    assert read(tmp_path / "book.csv") == [
        {"id": "a", "name": "Ann", "hw1": "4", "hw2": "2", "total": "6"},
        {"id": "one", "name": "", "hw1": "30", "hw2": "0", "total": "30"},
        {"id": "two", "name": "", "hw1": "0", "hw2": "30", "total": "30"},
    ]


def test_parts_of_one_homework_are_merged_and_the_later_of_two_files_counts(tmp_path):
    for name, rows in (
        ("first", [row("a"), row("twice", changed="2026-11-20T10:00")]),
        ("second", [row("b", [0] * 6), row("twice", [4, 0, 0, 0, 0, 0], changed="2026-11-21T10:00")]),
        ("absent", []),
    ):
        (tmp_path / name).mkdir()
        report.write_report(rows, HOMEWORK, tmp_path / name, Facts(1, "x", {"a": "Ann"} if name == "absent" else {}))
    found = [tmp_path / name for name in ("first", "second", "absent")]
    for order in (found, found[::-1]):
        gradebook.merge(order, tmp_path / "book.csv")
        points = {line["id"]: (line["name"], line["hw1"]) for line in read(tmp_path / "book.csv")}
        assert points == {"a": ("Ann", "30"), "b": ("", "0"), "twice": ("", "4")}


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"homework": "hw1"}'])
def test_a_folder_without_a_report_is_said(text, tmp_path):
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(CourseError, match="holds no report: give folders that `course grade` wrote"):
        gradebook.merge([tmp_path], tmp_path / "book.csv")


def test_a_book_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(CourseError, match=r"cannot be written .*: give another path with --to"):
        gradebook.merge([written(tmp_path, [row("a")])], tmp_path / "none" / "book.csv")


# The student's seat: what hw.check and hw.progress say.


def test_a_check_says_verdict_sentence_numbers_and_hint():
    hw = Homework("hw1")
    text = str(hw.check("q1", lambda size, kernel_size, stride, padding: size))
    assert text.splitlines() == [
        "q1 The size of the output: partly, 1 of 4 points",
        *str(hw.check("q1", lambda n, k, s, p: n)).splitlines()[1:],
    ]
    assert "Passed: example. Still open: no padding, padding, stride." in text
    assert re.search(r"got [\d,]+, expected [\d,]+\.", text)
    verdict = hw.check("q1", lambda n, k, s, p: n - k + 2 * p + 1)
    assert "Hint: the stride is left out: divide by it, then add 1." in str(verdict)
    assert repr(verdict) == str(verdict)
    page = verdict._repr_html_()
    assert page.startswith('<div style="border-left:.4em solid #e69f00')
    assert "<strong>q1 The size of the output: partly" in page
    assert "#009e73" in hw.check("q1", lambda n, k, s, p: (n - k + 2 * p) // s + 1)._repr_html_()
    assert "#d55e00" in hw.check("q1", lambda n, k, s, p: "<b>")._repr_html_()
    assert hw.check("q1").outcome.verdict == "missing"
    with pytest.raises(ValueError, match="hw1 has no question 'q9'"):
        hw.check("q9", len)


def test_progress_is_a_row_a_question():
    hw = Homework("hw1")
    hw.check("q1", lambda n, k, s, p: (n - k + 2 * p) // s + 1)
    hw.check("q2", lambda c, d, k, bias: 0)
    lines = str(hw.progress()).splitlines()
    assert re.fullmatch(r"q1   The size of the output +passed +4 / 4", lines[0])
    assert re.fullmatch(r"q2   Parameters of a convolution +wrong +0 / 4", lines[1])
    assert "not checked" in lines[2]
    assert re.fullmatch(r"sum +4 / 30", lines[-2])
    assert lines[-1] == "open questions: marked by your teacher"
    assert repr(hw.progress()) == str(hw.progress())


def test_progress_is_a_table_in_a_notebook():
    page = Progress((("q1", "A <b> & c", "partly", 1.5, 4), ("q2", "Two", "not checked", 0.0, 4)))._repr_html_()
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    assert rows[0] == "<th></th><th>question</th><th>last check</th><th>points</th>"
    assert rows[1] == '<td>q1</td><td>A &lt;b&gt; &amp; c</td><td class="partly">partly</td><td>1.5 / 4</td>'
    assert rows[2] == '<td>q2</td><td>Two</td><td class="not-checked">not checked</td><td>0 / 4</td>'
    assert rows[3] == "<td>sum</td><td></td><td></td><td>1.5 / 8</td>"
    assert "open questions: marked by your teacher" in page
    assert not re.search(r"[^-]color:#(000|fff)", page)  # the page's own colours, so that it is read in the dark


def test_ctrl_c_ends_a_check_and_other_errors_do_not():
    def stopped(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Homework("hw1").check("q1", stopped)
    assert Homework("hw1").check("q1", lambda a, b, c, d: 1 / 0).outcome.verdict == "raised"


def test_where_a_notebook_is_graded_its_checks_say_nothing(monkeypatch):
    monkeypatch.setenv("COURSE_GRADING", "1")
    hw = Homework("hw1")
    assert hw.check("q1", len) is None
    assert hw.progress() is None


def test_an_unknown_homework_is_said():
    with pytest.raises(ValueError, match="there is no homework 'hw0'"):
        Homework("hw0")
