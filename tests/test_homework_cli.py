"""`course check`, `course grade` and `course gradebook`: what they print, and one sentence for each bad input."""

import csv
import json
import re

import homework_corpus as corpus
import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.errors import CourseError

RIGHT = corpus.right_cells()


def course(*arguments):
    """What a command prints; a CourseError is raised, as main() gets it."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, CourseError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def handed_in(tmp_path):
    folder = tmp_path / "handed in"
    folder.mkdir()
    corpus.write_notebook(folder / "hw1_ann.ipynb", RIGHT)
    corpus.write_notebook(folder / "hw1_ben.ipynb", [RIGHT[0], "def output_size(n, k, s, p): return n - k + 2 * p + 1"])
    (folder / "hw1_carl.ipynb").write_bytes(b"")
    return folder


def grades(out):
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


def test_a_student_checks_a_notebook_at_home(tmp_path):
    path = tmp_path / "mine.ipynb"
    wrong = [c if "def output_size" not in c else "def output_size(n, k, s, p): return n" for c in RIGHT]
    corpus.write_notebook(path, ["1 / 0", *wrong])
    said = course("check", path).stdout.splitlines()
    assert said[0].startswith("q1 The size of the output: partly, 1 of 4")
    assert said[1].startswith("   output_size(")
    assert "q2 Parameters of a convolution: passed, 4 of 4" in said
    assert re.fullmatch(r"[\d.]+ of 30 points", said[-2])
    assert said[-1] == "Note: cell 1 raised ZeroDivisionError: division by zero"
    corpus.write_notebook(path, [RIGHT[0], "def output_size(n, k, s, p): return n - k + 2 * p + 1"])
    assert "   Hint: the stride is left out: divide by it, then add 1." in course("check", path).stdout


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("none.ipynb", None, "does not exist: give the path of your homework notebook"),
        ("hw1.ipynb", b"", "the file is empty"),
        ("hw1.ipynb", b"x", "is not a notebook"),
        ("other.ipynb", b'{"cells": []}', r"does not say which homework it is: keep its cell hw = Homework\(…\)"),
        ("hw9.ipynb", b'{"cells": []}', "does not say which homework it is"),
    ],
)
def test_a_notebook_that_cannot_be_checked_is_said(name, data, message, tmp_path):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CourseError, match=message):
        course("check", tmp_path / name)


def test_a_teacher_grades_a_class(handed_in, tmp_path):
    out, roster = tmp_path / "out", tmp_path / "roster.csv"
    roster.write_text("id,name\nann,Ann\nben,Ben\ndora,Dora\n", "utf-8")
    options = ["--out", out, "--jobs", 2, "--roster", roster, "--deadline", "2020-01-01"]
    said = course("grade", "hw1", handed_in, *options).stdout.splitlines()
    assert "isolated" in said[0].lower()
    assert "ann: 30 points" in said
    assert "carl: 0 points (the file is empty: ask for it again)" in said
    assert said[-1] == f"3 students: {out / 'index.html'}, {out / 'grades.csv'}"
    lines = grades(out)
    assert list(lines) == ["ann", "ben", "carl", "dora"]
    assert lines["dora"]["notes"] == "nothing handed in"
    assert lines["carl"]["notes"].endswith("not on the roster")
    assert all(lines[name]["late"] == "late" for name in ("ann", "ben", "carl"))
    seed = int((out / "seed.txt").read_text())
    assert f"Seed {seed}." in (out / "index.html").read_text("utf-8")
    # Marks by hand are added, the seed is kept, and nothing is graded again.
    (out / "marks.csv").write_text("student,question,points\nann,1,5\n", "utf-8")
    said = course("grade", "hw1", handed_in, "--out", out).stdout.splitlines()
    assert len(said) == 2
    assert grades(out)["ann"]["total"] == "35.0"
    assert int((out / "seed.txt").read_text()) == seed
    # One student again; the others' rows stay.
    said = course("grade", "hw1", handed_in, "--out", out, "--regrade", "carl").stdout
    assert "carl: 0 points" in said
    assert "ann:" not in said
    # Another seed grades everyone again, and says so in the report.
    said = course("grade", "hw1", handed_in, "--out", out, "--seed", 3, "--jobs", 2).stdout
    assert "ann: 30 points" in said
    assert json.loads((out / "report.json").read_text("utf-8"))["seed"] == 3


def test_parts_are_graded_apart_and_merged(handed_in, tmp_path):
    roster, outs = tmp_path / "roster.csv", [tmp_path / "1", tmp_path / "2"]
    roster.write_text("id,name\nann,Ann\nben,Ben\ndora,Dora\n", "utf-8")
    for k, out in enumerate(outs, 1):
        course("grade", "hw1", handed_in, "--out", out, "--shard", f"{k}/2", "--roster", roster, "--seed", 1)
    assert [list(grades(out)) for out in outs] == [["ann", "carl"], ["ben"]]
    said = course("gradebook", *outs, "--to", tmp_path / "book.csv").stdout
    assert said == f"3 students: {tmp_path / 'book.csv'}\n"
    with (tmp_path / "book.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(line["id"], line["name"], line["hw1"]) for line in csv.DictReader(file)][::2] == [
            ("ann", "Ann", "30"),
            ("carl", "", "0"),
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hw99", "{in}", "--out", "{out}"], "there is no homework 'hw99': use one of hw1, "),
        (["hw1", "{in}/none", "--out", "{out}"], "does not exist: give a notebook, a folder or a zip of them"),
        (["hw1", "{in}", "--out", "{in}/hw1_ann.ipynb"], r"cannot be written .*: give another folder with --out"),
        (["hw1", "{in}", "--out", "{out}", "--shard", "3/2"], r"--shard 3/2 is no part: use K/N"),
        (["hw1", "{in}", "--out", "{out}", "--shard", "0/2"], "is no part"),
        (["hw1", "{in}", "--out", "{out}", "--shard", "x"], "--shard x is no part"),
        (
            ["hw1", "{in}", "--out", "{out}", "--roster", "{in}/none.csv"],
            r"cannot be read .*: give a CSV with id, name",
        ),
        (["hw1", "{in}", "--out", "{out}", "--roster", "{in}/hw1_ann.ipynb"], "has no column 'id'"),
        (["hw1", "{in}/hw1_carl.ipynb", "--out", "{out}", "--regrade", "x"], "there is no submission of 'x'"),
    ],
)
def test_grading_that_cannot_be_done_is_said_in_one_sentence(arguments, message, handed_in, tmp_path):
    places = {"in": handed_in, "out": tmp_path / "out"}
    with pytest.raises(CourseError, match=message) as caught:
        course("grade", *(argument.format(**places) for argument in arguments))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        ["--jobs", "0"],
        ["--timeout", "0"],
        ["--memory", "0.1"],
        ["--seed", "-1"],
        ["--seed", "x"],
        ["--deadline", "tomorrow"],
    ],
)
def test_options_have_ranges(options, handed_in, tmp_path):
    assert course("grade", "hw1", handed_in, "--out", tmp_path / "out", *options).exit_code == 2


def test_a_seed_that_is_none_is_said(handed_in, tmp_path):
    (tmp_path / "seed.txt").write_text("many")
    with pytest.raises(CourseError, match=r"seed.txt holds no seed: delete it, or give --seed"):
        course("grade", "hw1", handed_in, "--out", tmp_path)


def test_a_book_of_nothing_is_said(tmp_path):
    with pytest.raises(CourseError, match="holds no report"):
        course("gradebook", tmp_path)
