"""What students hand in is found and read whatever state it is in, and a bad file costs one row."""

import dataclasses
import datetime
import io
import json
import os
import runpy
import sys
import zipfile

import homework_corpus as corpus
import pytest

from course_utils.errors import CourseError
from course_utils.homework import assignments, expected, grade, sources, submissions
from course_utils.homework.grade import Plan
from course_utils.homework.ladder import Outcome
from course_utils.homework.process import Limits
from course_utils.homework.questions import PUBLIC_SEED, prepare
from course_utils.homework.submissions import Sheet, read_sheet, sheet_of
from tools.homework import ROOT, homework_names, reference

USES = "the notebook uses conv_output_size for q1, where the task forbids it"
LOOKS = "the notebook looks into the checks themselves"


def notebook(*cells, **others):
    made = [{"cell_type": "code", "source": cell} if isinstance(cell, str) else cell for cell in cells]
    return json.dumps({"cells": made, **others}).encode()


def words(text):
    return {"cell_type": "markdown", "source": text}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (notebook("a = 1", words("text"), "b = 2", "  \n"), Sheet(("a = 1", "b = 2"))),
        (notebook({"cell_type": "code", "source": ["a\n", "b", 5]}), Sheet(("a\nb",))),
        (notebook({"cell_type": "code", "source": 5}, {"cell_type": "code"}, 7), Sheet()),
        (b"\xef\xbb\xbf" + notebook("a"), Sheet(("a",))),
        (notebook("a", words("X")).replace(b"X", b"\xe9"), Sheet(("a",), notes=("it is not UTF-8: read as Latin-1",))),
        (notebook(words("Student ID (学号): s-1.x@y \nName: z"), "a"), Sheet(("a",), "s-1.x@y")),
        (notebook(words("学号：20261121")), Sheet((), "20261121")),
        (notebook(words("student id: 张伟")), Sheet((), "张伟")),
        (notebook(words("Student ID (学号): write it here")), Sheet()),
        (notebook(*["x"] * 6, words("Student ID: late")), Sheet(("x",) * 6)),
        (b'{"worksheets": [{"cells": [{"cell_type": "code", "input": "a"}]}, 5, {"cells": 5}]}', Sheet(("a",))),
        (b"", Sheet(problem="the file is empty: ask for it again")),
        (b" \n", Sheet(problem="the file is empty: ask for it again")),
        (b"\x00\x01", Sheet(problem="the file is not a notebook: ask for the .ipynb itself")),
        (b"[" * 100_000, Sheet(problem="the file is not a notebook: ask for the .ipynb itself")),
        (b"[]", Sheet(problem="the file is JSON but not a notebook: ask for the .ipynb itself")),
        (b'{"cells": 5}', Sheet(problem="the file is JSON but not a notebook: ask for the .ipynb itself")),
        (b'{"worksheets": 5}', Sheet(problem="the file is JSON but not a notebook: ask for the .ipynb itself")),
    ],
)
def test_a_notebook_of_any_kind_is_a_sheet(data, wanted):
    found = sheet_of(data)
    assert found == wanted or (found.notes == wanted.notes and found.cells == wanted.cells)


@pytest.mark.parametrize("cells", [["x" * 200_001], ["x" * 150_000] * 8])
def test_too_much_code_is_a_problem(cells):
    assert "more than 200,000 characters in a cell or 1,048,576 in all" in sheet_of(notebook(*cells)).problem


def test_a_large_file_is_read_by_a_process_of_its_own(tmp_path, monkeypatch, capsys):
    path = tmp_path / "large.ipynb"
    path.write_bytes(notebook(words("Student ID: s1"), {"cell_type": "code", "source": "a", "outputs": "x" * 2**21}))
    assert read_sheet(path) == Sheet(("a",), "s1", ("the file has 2 MB: only its cells were read",))
    path.write_bytes(b"[" * 2**21)
    assert "is not a notebook" in read_sheet(path).problem
    monkeypatch.setattr(submissions.sys, "executable", "/bin/false")
    assert "of 2,097,152 bytes cannot be read" in read_sheet(path).problem
    monkeypatch.setattr(submissions, "LARGEST", 100)
    assert "has 2,097,152 bytes: ask for it with its outputs cleared" in read_sheet(path).problem
    path.write_bytes(notebook("a"))
    assert read_sheet(path).cells == ("a",)
    monkeypatch.setattr("course_utils.homework.sandbox.limit", lambda memory, seconds: None)
    monkeypatch.setattr(sys, "argv", ["submissions", str(path)])
    runpy.run_path(submissions.__file__, run_name="__main__")
    assert json.loads(capsys.readouterr().out) == [["a"], "", [], ""]


def found_in(source, tmp_path):
    return {each.name: each for each in submissions.submissions(source, tmp_path / "scratch")}


def test_a_file_a_folder_and_what_lies_in_it(tmp_path):
    folder = tmp_path / "handed in"
    (folder / "张伟").mkdir(parents=True)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "__MACOSX").mkdir()
    for name in (
        "b.ipynb",
        "张伟/hw1.IPYNB",
        "notes.txt",
        ".hidden.ipynb",
        ".ipynb_checkpoints/b.ipynb",
        "__MACOSX/c.ipynb",
    ):
        (folder / name).write_bytes(notebook("a"))
    os.utime(folder / "b.ipynb", (10**9, 10**9))
    (folder / "link.ipynb").symlink_to(folder / "b.ipynb")
    (folder / "folder.ipynb").mkdir()
    found = found_in(folder, tmp_path)
    assert list(found) == ["b.ipynb", "link.ipynb", "张伟/hw1.IPYNB"]
    assert found["b.ipynb"].path == folder / "b.ipynb"
    assert found["b.ipynb"].changed == datetime.datetime.fromtimestamp(10**9)
    assert found["link.ipynb"].path is None
    assert "it is a link" in found["link.ipynb"].problem
    assert list(found_in(folder / "b.ipynb", tmp_path)) == ["b.ipynb"]


def test_a_file_that_may_not_be_read_costs_one_row(tmp_path, monkeypatch):
    (tmp_path / "a.ipynb").write_bytes(notebook("a"))
    monkeypatch.setattr(submissions.os, "access", lambda path, kind: False)
    assert found_in(tmp_path / "a.ipynb", tmp_path)["a.ipynb"].problem == "the file may not be read: change its rights"


def test_nothing_to_grade_is_said(tmp_path):
    with pytest.raises(CourseError, match="does not exist: give a notebook"):
        found_in(tmp_path / "none", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="holds no notebook"):
        found_in(tmp_path / "empty", tmp_path)


def test_names_that_no_file_should_have(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"\xff\xfe.ipynb", b"=1+1.ipynb", b"a\x1b[2J.ipynb"):
        (folder / os.fsdecode(name)).write_bytes(notebook("a"))
    assert sorted(found_in(folder, tmp_path)) == [".ipynb", "=1+1.ipynb", "a [2J.ipynb"]


def zipped(path, members, **others):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **others) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_a_zip_gives_its_notebooks_and_nothing_else(tmp_path):
    path = tmp_path / "all.zip"
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = 0o120777 << 16
    old = zipfile.ZipInfo("a/old.ipynb", (2026, 2, 30, 1, 1, 1))
    zipped(
        path,
        {
            "a/hw1.ipynb": notebook("a"),
            "readme.txt": "x",
            "__MACOSX/a/hw1.ipynb": "x",
            "../../out.ipynb": "x",
            "/root.ipynb": "x",
            "bomb.ipynb": b" " * 2**23,
            link: "/etc/passwd",
            old: notebook("b"),
        },
    )
    found = found_in(path, tmp_path)
    problems = {name.removeprefix("all.zip/"): each.problem for name, each in found.items()}
    assert problems["a/hw1.ipynb"] == problems["a/old.ipynb"] == ""
    assert "leads out of the zip" in problems["../../out.ipynb"]
    assert "leads out of the zip" in problems["/root.ipynb"]
    assert problems["bomb.ipynb"] == "it unpacks to 8,388,608 bytes: it was not unpacked"
    assert "it is a link" in problems["link.ipynb"]
    assert len(problems) == 6
    assert found["all.zip/a/old.ipynb"].changed == datetime.datetime(1980, 1, 1)
    assert sorted(each.name for each in (tmp_path / "scratch").iterdir()) == ["0.ipynb", "1.ipynb"]


def test_a_zip_of_a_chinese_windows_has_its_names(tmp_path):
    class Gbk(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return self.filename.encode("gbk"), self.flag_bits

    path = tmp_path / "all.zip"
    zipped(path, {Gbk("张伟/作业.ipynb"): notebook("a")})
    assert list(found_in(path, tmp_path)) == ["all.zip/张伟/作业.ipynb"]
    utf8 = zipfile.ZipInfo("a.ipynb")
    utf8.flag_bits |= 0x800
    assert submissions._decoded(utf8) == "a.ipynb"
    assert submissions._decoded(zipfile.ZipInfo("\u5f20.ipynb")) == "\u5f20.ipynb"


def test_a_zip_that_lies_or_is_damaged_or_locked_costs_one_row(tmp_path):
    zipped(tmp_path / "good.zip", {"a.ipynb": notebook("a" * 2000), "b.ipynb": notebook("b")})
    data = (tmp_path / "good.zip").read_bytes()
    locked, damaged, lying = bytearray(data), bytearray(data), bytearray(data)
    locked[data.index(b"PK\x01\x02") + 8] |= 1
    damaged[60:70] = b"\xff" * 10
    length = data.index(b"PK\x01\x02") + 24
    lying[length : length + 4] = (9).to_bytes(4, "little")
    for name, spoilt in (("locked", locked), ("damaged", damaged), ("lying", lying)):
        (tmp_path / f"{name}.zip").write_bytes(spoilt)
        first, second = found_in(tmp_path / f"{name}.zip", tmp_path).values()
        assert "damaged or locked in its zip (" in first.problem
        assert second.problem == ""
    (tmp_path / "none.zip").write_bytes(b"PK")
    (found,) = found_in(tmp_path / "none.zip", tmp_path).values()
    assert found.problem == "it is a damaged zip (File is not a zip file): ask for it again"
    zipped(tmp_path / "outer.zip", {"inner.zip": "x"})
    (found,) = found_in(tmp_path / "outer.zip", tmp_path).values()
    assert found.problem == "it is a zip in a zip: unpack the outer one"


# From here on: grading what was found.


@pytest.fixture
def handed_in(tmp_path):
    folder = tmp_path / "handed in"
    folder.mkdir()
    return folder


def graded(folder, tmp_path, **plan):
    rows = grade.grade("hw1", folder, tmp_path / "out", Plan(**{"seed": 5, "limits": Limits(memory=2**31), **plan}))
    return {row.student: row for row in rows}


def test_a_class_is_graded_and_kept(handed_in, tmp_path):
    right = corpus.right_cells()
    corpus.write_notebook(handed_in / "hw1_counting - Ann.ipynb", right)
    corpus.write_notebook(handed_in / "hw1 ben.ipynb", [cell for cell in right if "def output_size" not in cell])
    (handed_in / "carl").mkdir()
    (handed_in / "carl" / "hw1_counting.ipynb").write_bytes(b"")
    (handed_in / "hw1.ipynb").write_bytes(notebook("x = 1"))
    (handed_in / "dan.ipynb").write_bytes(notebook("def linear_shapes(:", "import os"))
    told = []
    rows = graded(handed_in, tmp_path, jobs=2, report=told.append)
    assert {name: row.points for name, row in rows.items()} == {"Ann": 30, "ben": 14, "carl": 0, "dan": 0, "hw1": 0}
    assert len(told) == 5
    assert rows["dan"].outcomes[4].sentence == (
        "There is no linear_shapes, since cell 1 raised SyntaxError: invalid syntax (line 1)."
    )
    assert rows["Ann"].notes == ()
    assert rows["ben"].outcomes[0].sentence == "There is no output_size yet: run the cell that defines it."
    assert rows["carl"].notes == ("the file is empty: ask for it again",)
    assert rows["hw1"].outcomes[0].verdict == "missing"
    assert all(outcome.details == "" for row in rows.values() for outcome in row.outcomes)
    assert "def output_size(size" in rows["Ann"].answers["q1"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["rows"]
    # Once more: nothing is graded again, but for the student asked for, a broken row and one with another deadline.
    told.clear()
    assert graded(handed_in, tmp_path, report=told.append) == rows
    assert told == []
    again = graded(handed_in, tmp_path, report=told.append, regrade="carl", deadline=datetime.datetime(2020, 1, 1))
    assert [row.student for row in told] == ["carl"]
    assert all(row.late for row in again.values())
    for path in (tmp_path / "out" / "rows").glob("*.json"):
        if '"carl"' in path.read_text("utf-8"):
            path.write_text("{", "utf-8")
    told.clear()
    graded(handed_in, tmp_path, report=told.append)
    graded(handed_in, tmp_path, report=told.append, resume=False, shard=(5, 5))
    assert [row.student for row in told] == ["carl", "Ann"]
    with pytest.raises(CourseError, match="no submission of 'dora' to grade again"):
        graded(handed_in, tmp_path, regrade="dora")


def test_parts_of_a_class_are_the_class(handed_in, tmp_path):
    for name in "abcde":
        (handed_in / f"{name}.ipynb").write_bytes(b"")
    parts = [set(graded(handed_in, tmp_path, shard=(k, 2))) for k in (1, 2)]
    assert parts == [{"a", "c", "e"}, {"b", "d"}]


def test_a_report_within_the_folder_that_is_graded_is_no_submission(handed_in):
    zipped(handed_in / "all.zip", {"a.ipynb": notebook("a"), "b.ipynb": notebook("b")})
    for _ in range(2):
        assert set(graded(handed_in, handed_in)) == {"a", "b"}


def test_of_two_files_of_one_student_the_later_counts(handed_in, tmp_path):
    for number, name in enumerate(("z", "a", "m")):
        (handed_in / f"{name}.ipynb").write_bytes(notebook(words("Student ID: twin"), f"n = {number}"))
        os.utime(handed_in / f"{name}.ipynb", (10**9 + 3600 * number,) * 2)
    row = graded(handed_in, tmp_path)["twin"]
    assert row.file == "m.ipynb"
    assert row.notes == ("3 files of this student: m.ipynb counted, not z.ipynb, a.ipynb",)


def test_an_unusable_folder_is_said(handed_in, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(CourseError, match=r"cannot be written .*: give another folder with --out"):
        graded(handed_in, tmp_path)


HOMEWORK = assignments.assignment("hw1")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["def output_size(): 1", "def output_size(): 2"], ["output_size is defined 2 times: the last one counted"]),
        (["def output_size(): return conv_output_size(1)"], [USES]),
        (["from course_utils.arithmetic import conv_output_size as c", "def output_size(): return c(1)"], [USES]),
        (["if True:\n    import a.conv_output_size as c", "def h(): return c", "output_size = lambda n: h(n)"], [USES]),
        (["import x", "def g(): return conv_output_size", "def output_size(): return output_size(x)"], []),
        (["# conv_output_size\ndef output_size(): 1  # conv_output_size", "my_conv_output_size = 1"], []),
        (["conv_output_size(2)", "def output_size(:"], []),
        (["from course_utils.homework import hw1"], [LOOKS]),
        (["import course_utils.homework.ladder"], [LOOKS]),
        (["from course_utils import homework\nhomework.hw1"], [LOOKS]),
        (["from course_utils.homework import Homework\nhw = Homework('hw1')"], []),
        (["try:\n    class output_size: conv_output_size\nfinally: pass"], [USES]),
    ],
)
def test_the_teacher_is_told_what_to_look_at(cells, told):
    assert sources.remarks(cells, HOMEWORK) == told


def test_the_name_of_a_function_is_no_use_of_it():
    question = dataclasses.replace(HOMEWORK.questions[0], avoid=("output_size(", "F.conv", "paddle.optimizer."))
    homework = dataclasses.replace(HOMEWORK, questions=(question,))
    assert sources.remarks(["def output_size(n): return n + G.conv"], homework) == []
    told = sources.remarks(["def output_size(n): return F.conv + output_size(n) + paddle.optimizer.Adam"], homework)
    assert [remark.split()[3] for remark in told] == ["output_size", "F.conv", "paddle.optimizer"]


def test_answers_are_kept_without_comments_where_they_can_be_read():
    cells = (
        "%matplotlib inline\ndef output_size(n):  # comment\n    return '\\d'",
        "def conv_parameters(): (",
        "def linear_shapes(f):\n    return [" + "f, " * 3000 + "]\n" + "#" * 20_000,
        "def linear_shapes(f): return [" + "f," * 9000 + "]",
        "def receptive_field_size(s):\n    return " + "-" * 15_000 + "1",
        "conv_additions = conv_multiplications = 5",
        "class conv_additions: pass",
    )
    found = sources.answers(cells, HOMEWORK)
    assert found == {"q1": "def output_size(n):\n    return '\\\\d'", "q4": "class conv_additions:\n    pass"}


@pytest.mark.parametrize("name", assignments.NAMES)
def test_a_right_notebook_gives_the_teacher_nothing_to_look_at(name):
    source = next(each for each in homework_names() if each.startswith(name))
    assert sources.remarks(reference(ROOT, source), assignments.assignment(name)) == []


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("hw1_counting.ipynb", "hw1_counting"),
        ("hw1_counting_s1.ipynb", "s1"),
        ("HW1-s2.ipynb", "s2"),
        ("s3.ipynb", "s3"),
        ("anna/hw1.ipynb", "anna"),
        ("anna.zip/hw1_counting.ipynb", "anna"),
        ("all.zip/s4/hw1.ipynb", "s4"),
        ("s5/hw1/hw1_counting.ipynb", "s5"),  # as nbgrader collects them
    ],
)
def test_a_file_name_tells_the_student(name, student):
    assert grade._student(name, assignments.assignment("hw1")) == student


def test_the_grader_gets_the_cases_from_a_process_of_its_own(monkeypatch, capsysbinary):
    found = expected.expected_cases("hw1", 5)
    for question in assignments.assignment("hw1").questions:
        for one, other in zip(found[question.name], prepare(question, 5), strict=True):
            assert (one.part, one.args, one.expected) == (other.part, other.args, other.expected)
            assert dict(one.wrong) == dict(other.wrong)
    expected.main("hw1", 5)
    assert capsysbinary.readouterr().out[8:].startswith(b'["dict"')
    monkeypatch.setattr(sys, "argv", ["expected", "hw1"])
    monkeypatch.setattr(sys, "stdin", io.StringIO("5"))
    runpy.run_path(expected.__file__, run_name="__main__")
    assert len(capsysbinary.readouterr().out) > 1000
    monkeypatch.setattr(assignments, "NAMES", ("hw1",))
    monkeypatch.setattr(expected.sys, "executable", "/bin/false")
    with pytest.raises(
        CourseError, match=r"the answers of hw1 could not be computed \(no message\): run course doctor"
    ):
        expected.expected_cases("hw1", 5)


def test_homeworks_have_names():
    assert assignments.assignment("hw1").name == "hw1"
    with pytest.raises(ValueError, match="there is no homework 'hw99': use one of hw1, "):
        assignments.assignment("hw99")


def test_a_sheet_with_a_problem_has_nothing_but_that():
    homework = assignments.assignment("hw1")
    cases = {question.name: prepare(question, PUBLIC_SEED) for question in homework.questions}
    outcomes, notes = grade.grade_sheet(Sheet(problem="it is odd"), homework, cases, Limits())
    assert notes == ("it is odd",)
    assert outcomes[0] == Outcome("q1", "missing", 0, 4, "it is odd")
