"""Hostile and broken submissions: each is graded with its reason, the others keep their marks, and nothing is harmed.

One run of `course grade` grades them all with two jobs; the tests look at what it wrote and what it left.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import homework_corpus as corpus
import pytest

from course_utils.homework import assignments, sandbox
from course_utils.homework.expected import expected_cases
from course_utils.homework.grade import grade_sheet
from course_utils.homework.process import Limits
from course_utils.homework.submissions import Sheet
from tools import homework
from tools.notebooks import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes need POSIX")
BOXED = not sandbox.missing()
GRADE = """
import sys
from course_utils.cli import main
try:
    main()
finally:
    print("peak", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def grade(submissions, out, scratch, *options):
    """The process of `course grade`, whose scratch folders lie in `scratch`."""
    scratch.mkdir(exist_ok=True)
    command = [sys.executable, "-c", GRADE, "grade", "hw1", str(submissions), "--out", str(out)]
    command += ["--seed", str(corpus.SEED), "--jobs", "2", *options]
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def state(*folders):
    """What stands in folders: kind, rights, time, length and content of everything."""
    found = {}
    for folder in folders:
        for path in [folder, *sorted(folder.rglob("*"))]:
            facts = path.lstat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            time_changed = facts.st_mtime_ns if path.is_file() else 0
            found[path] = facts.st_mode, time_changed, facts.st_size if path.is_file() else 0, digest
    return found


def processes(folder):
    """Processes that know of a folder: the submissions' have their scratch folder as home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in path.read_bytes() and int(path.parts[2]) != os.getpid():
                found.append(path.parts[2])
        except OSError:
            continue
    return found


class Run:
    """All submissions graded once."""

    def __init__(self, folder):
        self.outside, self.submissions, self.out = (folder / name for name in ("outside", "submissions", "report"))
        self.scratch = folder / "scratch"
        self.outside.mkdir()
        self.submissions.mkdir()
        (self.outside / "secret.txt").write_text("untouched")
        self.places = {}
        usable = [attack for attack in corpus.attacks(self.outside) if BOXED or not attack.boxed]
        for number in range(0, len(usable), 3):
            three = usable[number : number + 3]
            corpus.write_notebook(self.submissions / f"attacked_{number}.ipynb", corpus.attacked(three))
            self.places |= {a.name: (f"attacked_{number}", q) for a, q in zip(three, corpus.ATTACKED, strict=False)}
        for item in corpus.broken(self.outside):
            if BOXED or not item.boxed:
                corpus.write(self.submissions, item.name, item)
        (self.submissions / "link.ipynb").symlink_to(self.outside / "secret.txt")
        same = corpus.right_cells()
        for name, sources in (("first", [*same, "output_size = None"]), ("second", same)):
            corpus.write_notebook(self.submissions / f"{name}.ipynb", sources, "Student ID (学号): s-2026.twice")
        os.utime(self.submissions / "first.ipynb", (1.7e9, 1.7e9))
        before = state(self.outside, self.submissions)
        began = time.monotonic()
        process = grade(self.submissions, self.out, self.scratch, "--timeout", "4", "--memory", "3")
        self.said = process.communicate(timeout=900)[0]
        self.seconds = time.monotonic() - began
        assert process.returncode == 0, self.said[-3000:]
        self.left = processes(self.scratch)
        self.changed = before != state(self.outside, self.submissions)
        report = json.loads((self.out / "report.json").read_text("utf-8"))
        self.rows = {row["student"]: row for row in report["rows"]}

    def outcomes(self, student):
        return {outcome["question"]: outcome for outcome in self.rows[student]["outcomes"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("corpus"))


ATTACKS = corpus.attacks(Path("outside"))
BROKEN = corpus.broken(Path("outside"))


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_an_attack_is_graded_with_its_reason(attack, run):
    if attack.boxed and not BOXED:
        pytest.skip(f"{attack.name}: not run, since {sandbox.missing()}")
    student, question = run.places[attack.name]
    outcome = run.outcomes(student)[question]
    assert outcome["verdict"] in attack.verdict.split(","), outcome
    assert re.search(attack.says, outcome["sentence"]), outcome
    assert outcome["points"] == (outcome["maximum"] if attack.verdict == "passed" else 0)


def test_questions_that_were_not_attacked_keep_their_marks(run):
    for student in {student for student, _ in run.places.values()}:
        for question, outcome in run.outcomes(student).items():
            if question not in corpus.ATTACKED:
                assert outcome["verdict"] == "passed", (student, outcome)


@pytest.mark.parametrize("item", BROKEN, ids=[item.name for item in BROKEN])
def test_a_broken_submission_is_graded_with_its_reason(item, run):
    if item.boxed and not BOXED:
        pytest.skip(f"{item.name}: not run, since {sandbox.missing()}")
    name = next(name for name in run.rows if name == item.name or run.rows[name]["file"].startswith(f"{item.name}.zip"))
    for question, outcome in run.outcomes(name).items():
        verdict, says = item.verdicts.get(question, ("passed", ""))
        assert outcome["verdict"] == verdict, (outcome, run.rows[name]["notes"])
        assert re.search(says, outcome["sentence"]), outcome
    assert re.search(item.note, " ".join(run.rows[name]["notes"])), run.rows[name]["notes"]


def test_a_link_is_not_followed_and_of_two_files_the_later_counts(run):
    assert "it is a link" in run.rows["link"]["notes"][0]
    twice = run.rows["s-2026.twice"]
    assert twice["notes"][-1] == "2 files of this student: second.ipynb counted, not first.ipynb"
    assert run.outcomes("s-2026.twice")["q1"]["verdict"] == "passed"


def test_nothing_outside_changed_and_nothing_is_left(run):
    assert not run.changed
    assert run.left == []
    assert list(run.scratch.iterdir()) == []
    assert not list(run.out.parent.glob("escaped*"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_grader_stays_small(run):
    assert int(re.findall(r"peak (\d+)", run.said)[-1]) < 300 * 1024


def test_no_page_and_no_table_holds_the_seed_or_an_expected_value_of_a_student(run):
    for path in (run.out / "students").iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"got .*, expected", text)
        assert str(corpus.SEED) not in text


def report(out):
    """All that a report holds but its times."""
    found = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    facts = json.loads(found.pop(Path("report.json")))
    facts.pop("seconds")
    return {path: data for path, data in found.items() if path.parts[0] != "rows"}, facts


def test_killed_in_the_middle_and_resumed_it_writes_the_same_report(tmp_path):
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    slow = [*corpus.right_cells(), "import time\ntime.sleep(0.3)"]
    for number in range(6):
        corpus.write_notebook(submissions / f"student{number}.ipynb", [*slow, f"n = {number}"])
    whole, killed, scratch = (tmp_path / name for name in ("whole", "killed", "scratch"))
    process = grade(submissions, whole, scratch)
    assert process.wait(300) == 0
    process.stdout.close()
    process = grade(submissions, killed, scratch)
    deadline = time.monotonic() + 300
    while len(list((killed / "rows").glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    kept = len(list((killed / "rows").glob("*.json")))
    assert 2 <= kept < 6
    deadline = time.monotonic() + 30
    while processes(scratch) and time.monotonic() < deadline:  # they end with the grader
        time.sleep(0.05)
    assert processes(scratch) == []
    shutil.rmtree(scratch)  # a grader that was killed leaves its scratch folders in the system's
    process = grade(submissions, killed, scratch)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0
    assert len(re.findall(r"student\d: 30 points", said)) == 6 - kept
    assert report(killed) == report(whole)


@pytest.mark.parametrize("name", assignments.NAMES[1:])
def test_right_answers_to_the_other_homeworks_pass_in_the_box(name):
    source = next(each for each in homework.homework_names() if each.startswith(name))
    sheet = Sheet(tuple(homework.reference(ROOT, source)))
    outcomes, notes = grade_sheet(sheet, assignments.assignment(name), expected_cases(name, 77), Limits(seconds=30))
    assert [outcome.verdict for outcome in outcomes] == ["passed"] * len(outcomes)
    assert notes == ()
