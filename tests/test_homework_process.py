"""A submission in a process of its own: limits, restarts, notes, the box, and the worker's side of the conversation."""

import dataclasses
import os
import platform
import resource
import runpy
import struct
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paddle  # in the main thread first: the one that imports it is the one that computes
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils.errors import CourseError
from course_utils.homework import calls, drivers, process, sandbox, surroundings, system_calls, values, worker
from course_utils.homework.ladder import Crashed, Description, Raised, Returned, TimedOut
from course_utils.homework.process import Limits, StudentProcess

QUICK = Limits(seconds=10, memory=2 * 2**30)
boxed = pytest.mark.skipif(bool(sandbox.missing()), reason=sandbox.missing())


def asked(*cells, limits=QUICK, paddle=False):
    return StudentProcess(cells, paddle, limits)


def test_a_function_is_described_called_and_called_again():
    with asked("import numpy as np", "def double(x, more=1): return 2 * x", "number = 3") as student:
        assert student.describe("double") == Description(True, "function", 1, 2)
        assert student.describe("number") == Description(False, "int")
        assert student.describe("other") is None
        assert student.call("double", "plain", (21,), 10) == Returned(42)
        found = student.call("double", "plain", (np.arange(3),), 10)
        np.testing.assert_array_equal(found.value, [0, 2, 4])
        assert student.call("double", "plain", (None,), 10).kind == "TypeError"
        assert student.call("number", "plain", (), 10).kind == "TypeError"
        assert student.notes == {}
        folder = student._folder.path
    assert not folder.exists()


def test_cells_that_fail_are_noted_and_passed_over():
    cells = ["1 / 0", "def f(:", "f = lambda: 1", "import os\nos._exit(3)", "%matplotlib inline", "!ls", "input()"]
    with asked(*cells) as student:
        assert student.call("f", "plain", (), 10) == Returned(1)
    assert student.notes[1] == "cell 1 raised ZeroDivisionError: division by zero"
    assert student.notes[2] == "cell 2 raised SyntaxError: invalid syntax (line 1)"
    assert student.notes[4] == "cell 4 was left out: it ended itself with exit status 3"
    refused = "programs, network and files outside are not there when homework is graded"
    assert student.notes[6] == f"cell 6 raised PermissionError: {refused}"
    assert student.notes[7] == "cell 7 raised EOFError: input() is not there when homework is graded"
    assert sorted(student.notes) == [1, 2, 4, 6, 7]


def test_after_an_endless_loop_and_a_crash_the_process_is_started_again():
    cells = ["def loop():\n    while True: pass", "def crash():\n    import os\n    os.abort()", "def fine(): return 1"]
    with asked(*cells) as student:
        assert student.call("loop", "plain", (), 0.5) == TimedOut(0.5)
        assert student.call("fine", "plain", (), 10) == Returned(1)
        assert student.call("crash", "plain", (), 10).why.startswith("it ended with signal")
        assert student.call("fine", "plain", (), 10) == Returned(1)


def test_the_shorter_of_two_time_limits_holds():
    with asked("def loop():\n    while True: pass", limits=Limits(seconds=0.5)) as student:
        assert student.call("loop", "plain", (), 99) == TimedOut(0.5)


def test_a_whole_notebook_has_a_limit_too():
    cells = ["import time", *["time.sleep(0.4)"] * 50, "def f(): return 1"]
    with asked(*cells, limits=Limits(seconds=5, total=3)) as student:
        assert student.describe("f") == TimedOut(3, whole=True)
        assert student.call("f", "plain", (), 10) == TimedOut(3, whole=True)


def test_a_notebook_that_ends_every_process_is_given_up():
    cells = ["import os, threading\nthreading.Timer(0.05, os._exit, (1,)).start()", "import time\ntime.sleep(1)"] * 3
    with asked(*cells, limits=Limits(starts=2)) as student:
        assert student.describe("f") == Crashed("the notebook ends every process that it is run in")


def test_too_little_memory_is_said():
    with (
        pytest.raises(CourseError, match=r"did not start with 0\.0\d* GB: give it more memory"),
        asked("1", limits=Limits(memory=2**25)) as student,
    ):
        student.describe("f")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("open('large', 'wb').write(bytes(2**26))", "File too large"),
        ("bytes(10**11)", "MemoryError"),
        ("import numpy\nnumpy.ones(10**11, 'u1')", "MemoryError"),
    ],
)
def test_files_and_memory_have_limits(body, reason):
    with asked(body) as student:
        student.describe("f")
        assert reason in student.notes[1]


def test_many_files_have_a_limit():
    with asked("for n in range(10**6): open(f'f{n}', 'w').close()", limits=Limits(scratch=2**20)) as student:
        student.describe("f")
        assert student.notes == {1: "cell 1 was left out: it wrote more than 1 MB of files"}


def test_folders_of_any_depth_and_rights_are_removed(tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    place = os.open(deep, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    (deep / "locked").mkdir(mode=0)
    assert surroundings.bytes_in(deep, 2**40) >= 100 * surroundings.BLOCK
    assert surroundings.bytes_in(deep, 10 * surroundings.BLOCK) == 11 * surroundings.BLOCK
    surroundings.remove(deep)
    assert not deep.exists()
    surroundings.remove(deep)  # it may be gone already


@boxed
@pytest.mark.parametrize(
    "body",
    [
        "import os\nos.fork()",
        "import subprocess\nsubprocess.run(['true'])",
        "import socket\nsocket.socket()",
        "import os\nos.kill(os.getppid(), 0)",
        "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
        "import os\nopen(f'/proc/{os.getppid()}/cmdline').read()",
        "import os\nos.listdir('/tmp')",
        "open('/etc/passwd').read()",
        "import os\nos.chmod('/tmp', 0o777)",
        "import os\nos.utime('/tmp')",
        "import os\nos.chown('.', 0, 0)",
        "import ctypes\nif ctypes.CDLL(None).prctl(1, 0, 0, 0, 0): raise PermissionError",
    ],
)
def test_the_box_refuses(body, box):
    assert box(body).kind == "PermissionError"


@boxed
@pytest.mark.parametrize(
    "body",
    [
        "import threading\nthread = threading.Thread(target=print)\nthread.start()\nthread.join()",
        "open('own', 'w').write('x')\nassert open('own').read() == 'x'",
        "import os\nos.mkdir('folder')\nos.rename('folder', 'other')\nos.rmdir('other')",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (50, 60))",
        "open('/proc/self/status').read(), open('/dev/urandom', 'rb').read(4)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('a.png')",
        "import tempfile\ntempfile.TemporaryFile().write(b'x')",
    ],
)
def test_the_box_permits(body, box):
    assert box(body) is None


@pytest.fixture(scope="module")
def box():
    """Runs code in one boxed process; what it raised."""
    cells = "def run(source):\n    exec(source, {})"
    with asked(cells) as student:

        def run(source):
            reply = student.call("run", "plain", (source,), 30)
            return reply if isinstance(reply, Raised) else reply.value

        yield run


@pytest.mark.parametrize(
    "reply",
    [
        5,
        np.zeros(3),
        {"callable": True},
        {"callable": 1, "kind": "f", "least": 0, "most": 0},
        {"callable": True, "kind": "f", "least": float("inf"), "most": 0},
        {"callable": True, "kind": "f", "least": 0, "most": "x"},
    ],
)
def test_a_forged_description_is_none(reply, monkeypatch):
    student = asked()
    monkeypatch.setattr(student, "_ask", lambda command, seconds: Returned(reply))
    assert student.describe("f") == Crashed(process.IMPROPER)
    with student:
        pass


class Replying:
    """The other end of a StudentProcess's pipes, with any bytes for an answer."""

    def __init__(self, monkeypatch, limits=QUICK):
        self.student = asked(limits=limits)
        self.commands, commands = os.pipe()
        answers, self.answers = os.pipe()
        self.student._commands, self.student._answers = commands, answers
        self.student._scratch = self.student._folder.path
        self.student._process = subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
        monkeypatch.setattr(process.secrets, "randbits", lambda bits: 7)

    def exchange(self, data, seconds=5.0):
        if data:
            os.write(self.answers, data)
        return self.student._exchange({"do": "run", "source": ""}, seconds)

    def close(self):
        os.close(self.commands)
        with self.student:
            pass


@pytest.fixture
def other(monkeypatch):
    found = Replying(monkeypatch)
    yield found
    found.close()


def framed(value):
    frame = values.encode(value)
    return struct.pack("<Q", len(frame)) + frame


def test_answers_of_another_number_are_passed_over(other):
    forged = framed({"number": 6, "answer": 1}) + framed([1, 2]) + framed(np.zeros(4))
    assert other.exchange(forged + framed({"number": 7, "answer": 42})) == Returned(42)
    os.close(other.answers)


def test_answers_that_are_none(other):
    assert other.exchange(struct.pack("<Q", 2**40)) == Crashed("it sent an answer that is too large")
    assert other.exchange(struct.pack("<Q", 3) + b"xyz") == Crashed(process.IMPROPER)
    assert other.exchange(b"", seconds=0.2) == TimedOut(0.2)
    assert other.exchange(struct.pack("<Q", 30) + b"drop", seconds=0.3) == TimedOut(0.3)
    os.close(other.answers)
    assert other.exchange(b"") == Crashed("it ended itself with exit status 0")


def test_a_process_that_reads_no_commands_does_not_hold_the_grader(other):
    assert other.student._exchange({"do": "run", "source": "x" * 150_000}, 0.5) == TimedOut(0.5)
    os.close(other.answers)


def test_a_process_that_closed_its_pipes_and_goes_on(other, monkeypatch):
    os.close(other.answers)
    other.student._process.wait()
    other.student._process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    real = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", lambda self, timeout=None: real(self, timeout and 0.1))
    assert other.exchange(b"") == Crashed("it closed its connection")


def test_windows_is_told_where_else(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(process.os, "name", "nt")
        with pytest.raises(CourseError, match=r"on Windows use hw\.check in the notebook"):
            asked("1")


def test_how_well_this_machine_isolates(monkeypatch):
    assert ("NOT ISOLATED" in process.isolation()) == bool(sandbox.missing())
    monkeypatch.setattr(sandbox, "missing", lambda: "")
    assert process.isolation() == (
        "isolated by Landlock, seccomp and resource limits: own folder, no network, no processes"
    )
    monkeypatch.setattr(sandbox, "missing", lambda: "no such thing")
    assert process.isolation().startswith("NOT ISOLATED but for time and memory: no such thing.")


def test_without_a_box_the_limits_still_hold(monkeypatch):
    monkeypatch.setattr(sandbox, "missing", lambda: "none")
    with asked("def f():\n    import os\n    return os.getcwd()", "def loop():\n    while True: pass") as student:
        assert student.call("f", "plain", (), 10).value == str(student._scratch)
        assert student.call("loop", "plain", (), 0.3) == TimedOut(0.3)


def test_what_is_missing_for_isolation(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert sandbox.missing() == "Darwin has neither Landlock nor seccomp"
    assert sandbox._landlock_version() == 0
    monkeypatch.setattr(sandbox.sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert sandbox.missing() == "no list of system calls for riscv64"
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sandbox, "_landlock_version", lambda: 0)
    assert "no Landlock" in sandbox.missing()
    monkeypatch.setattr(sandbox, "_landlock_version", lambda: 3)
    assert sandbox.missing() == ""


def test_the_kernel_refusing_is_an_error():
    with pytest.raises(OSError, match=r".*"):
        sandbox._checked(-1)
    assert sandbox._checked(3) == 3


@pytest.mark.parametrize("machine", system_calls.REFUSED)
def test_the_filter_decides_as_it_should(machine):
    """The program is run here as the kernel would run it."""
    refused = system_calls.REFUSED[machine]
    program = [struct.unpack("HBBI", step) for step in sandbox._filter(refused)]

    def decided(call, first=0, architecture=refused.machine):
        data, value, at = struct.pack("=iIQQ", call, architecture, 0, first), 0, 0
        while True:
            code, true, false, k = program[at]
            at += 1
            if code == 0x06:
                return k
            if code == 0x20:
                value = struct.unpack_from("=I", data, k)[0]
            else:
                holds = {0x15: value == k, 0x45: bool(value & k), 0x35: value >= k}[code]
                at += true if holds else false

    allow, refuse = 0x7FFF0000, 0x00050001
    assert all(decided(call) == refuse for call in refused.always.values())
    assert decided(0) == allow
    assert decided(0x40000000) == refuse
    assert decided(0, architecture=3) == 0x80000000
    assert decided(refused.clone3) == 0x00050026
    assert decided(refused.clone, 0x11) == refuse
    assert decided(refused.clone, sandbox.CLONE_THREAD) == allow
    assert decided(refused.prlimit, 0) == allow
    assert decided(refused.prlimit, 99) == refuse
    assert decided(refused.prctl, sandbox.PR_SET_PDEATHSIG) == refuse
    assert decided(refused.prctl, 15) == allow
    assert max(code[1] for code in program) < 256


def inside(source, *modules):
    """Run code in a process of its own, measured by coverage where these tests are."""
    run = subprocess.run([sys.executable, "-c", source, *modules], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@boxed
def test_entering_the_box_by_hand(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_text("out")
    said = inside(
        "import sys, pathlib, os\nfrom course_utils.homework import sandbox\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "sandbox.limit(2**31, 60)\n"
        "sandbox.enter_files([pathlib.Path('/nowhere'), pathlib.Path('/dev/null')], folder / 'in')\n"
        "sandbox.enter_processes()\n"
        "(folder / 'in' / 'x').write_text('x')\n"
        "for act in (lambda: (folder / 'out.txt').read_text(), os.fork, lambda: open('/dev/null').read()):\n"
        "    try: act(); print('fine')\n"
        "    except PermissionError: print('refused')\n",
        str(tmp_path),
    )
    assert said.split() == ["refused", "refused", "fine"]


class Kernel:
    """In place of libc: writes down what would be asked of the kernel."""

    def __init__(self):
        self.asked = []

    def syscall(self, *arguments):
        self.asked.append(arguments)
        if arguments[0] == sandbox.LANDLOCK_CREATE:
            return 7 if arguments[1] is None else os.open(os.devnull, os.O_RDONLY)
        return 0

    def prctl(self, *arguments):
        self.asked.append(arguments)
        return 0


@pytest.mark.parametrize(("version", "length"), [(1, 8), (3, 8), (4, 16), (5, 16), (7, 24)])
def test_what_is_asked_of_the_kernel(version, length, monkeypatch, tmp_path):
    kernel = Kernel()
    monkeypatch.setattr(sandbox.ctypes, "CDLL", lambda *arguments, **options: kernel)
    monkeypatch.setattr(sandbox, "_landlock_version", lambda: version)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    sandbox.enter_files([tmp_path, tmp_path / "none", Path("/dev/null")], tmp_path)
    sandbox.enter_processes()
    assert kernel.asked[0][2] == length
    rights = [struct.unpack("=Qi", asked[3])[0] for asked in kernel.asked if asked[0] == sandbox.LANDLOCK_ADD]
    assert rights == [sandbox.READ, sandbox.READ & 0b101, sandbox.ABI_RIGHTS[min(version, 5)]]  # a file is not listed
    assert (sandbox.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) in kernel.asked
    assert kernel.asked[-1][0] == 317


def test_limits_are_set_and_never_raised(monkeypatch):
    found = {}
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: found.update({kind: pair}))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5, 5) if kind == resource.RLIMIT_CPU else (9, -1))
    monkeypatch.setattr(sandbox.ctypes, "CDLL", lambda *arguments: Kernel())
    sandbox.limit(2**30, 60)
    assert found[resource.RLIMIT_AS] == (2**30, 2**30)
    assert found[resource.RLIMIT_CPU] == (5, 5)


class Talk:
    """The worker's main loop in a thread of this process, as if it were the child."""

    def __init__(self, monkeypatch, tmp_path, isolated):
        self.entered = []
        monkeypatch.setattr(sandbox, "limit", lambda *arguments: self.entered.append("limit"))
        monkeypatch.setattr(sandbox, "enter_files", lambda *arguments: self.entered.append("files"))
        monkeypatch.setattr(sandbox, "enter_processes", lambda: self.entered.append("processes"))
        monkeypatch.chdir(tmp_path)
        for name in [name for name in sys.modules if name.startswith("course_utils.homework.hw")]:
            monkeypatch.setitem(sys.modules, name, sys.modules[name])
        self.modules = dict(sys.modules)
        out, self.commands = os.pipe()
        self.answers, into = os.pipe()
        start = {"number": 1, "scratch": str(tmp_path), "isolated": isolated, "readable": ["/usr"], "memory": 2**30}
        os.write(self.commands, framed(start | {"seconds": 9, "paddle": True}))
        self.thread = threading.Thread(target=worker.main, args=(out, into))
        self.thread.start()

    def ask(self, **command):
        os.write(self.commands, framed(command | {"number": 2}))
        return self.read()["answer"]

    def read(self):
        return values.decode(worker._read(self.answers))

    def end(self):
        os.close(self.commands)
        self.thread.join(30)
        for name in set(sys.modules) - set(self.modules):
            if sys.modules[name] is None:
                del sys.modules[name]
        sys.modules.update(self.modules)
        plt.switch_backend("agg")  # a shell brings the notebook's
        plt.ioff()
        InteractiveShell.clear_instance()


@pytest.mark.parametrize("isolated", [True, False])
def test_the_worker_runs_describes_and_calls(isolated, monkeypatch, tmp_path):
    talk = Talk(monkeypatch, tmp_path, isolated)
    try:
        assert talk.read() == {"number": 1, "answer": "ready"}
        assert talk.entered == (["limit", "files", "processes"] if isolated else ["limit"])
        assert talk.ask(do="run", source="def double(x): return 2 * x\nlong = lambda: ['x' * 10**5] * 30") is None
        assert talk.ask(do="run", source="1 / 0")["kind"] == "ZeroDivisionError"
        assert talk.ask(do="run", source="!ls")["sentence"].startswith("programs, network")
        assert talk.ask(do="run", source="exit()\n%matplotlib inline") is None
        assert talk.ask(do="run", source="import builtins\nbuiltins.sum = 5") is None
        assert sum([1, 2]) == 3
        assert talk.ask(do="describe", name="double")["least"] == 1
        assert talk.ask(do="describe", name="nothing") is None
        assert talk.ask(do="call", name="double", driver="plain", args=(4,)) == {"is": "Returned", "value": 8}
        assert "return at most" in talk.ask(do="call", name="long", driver="plain", args=())["sentence"]
    finally:
        talk.end()


def test_an_answer_that_became_too_large_on_the_way_is_said(monkeypatch, tmp_path):
    talk = Talk(monkeypatch, tmp_path, False)
    monkeypatch.setattr(calls, "call", lambda *arguments: Returned([0] * 30_000))
    try:
        talk.read()
        assert "20,000 items" in talk.ask(do="call", name="x", driver="plain", args=())["sentence"]
    finally:
        talk.end()


def test_calls_copy_arguments_and_answers():
    given = np.zeros(3)

    def change(x):
        x += 1
        return [x]

    reply = calls.call(change, "plain", (given,))
    np.testing.assert_array_equal(reply.value[0], [1, 1, 1])
    np.testing.assert_array_equal(given, [0, 0, 0])


class Signed:
    __signature__ = "none"

    def __call__(self):
        """Nothing."""


@pytest.mark.parametrize(
    ("answer", "description"),
    [
        (lambda x, y=1: 0, Description(True, "function", 1, 2)),
        (lambda *args: 0, Description(True, "function", 0, None)),
        (lambda x, *, key=1: 0, Description(True, "function", 1, 1)),
        (Signed(), Description(True, "function")),
        (5, Description(False, "int")),
    ],
)
def test_what_an_answer_is(answer, description):
    assert calls.described(answer) == description


MATMUL = (
    "(InvalidArgument) In operator matmul, the [1] dimension of Input(X) must be equal to the [0] dimension.\n"
    "  [Hint: Expected K_lhs == K_rhs, but received K_lhs:3 != K_rhs:2.] (at /paddle/phi/infermeta/binary.cc:3087)\n"
)
SUMMARY = (
    "\n\n----------------------\nC++ Traceback (most recent call last):\n----------------------\n0   paddle::f(x)\n\n"
    "----------------------\nError Message Summary:\n----------------------\nInvalidArgumentError: The shapes differ.\n"
    "  [Hint: Expected a == b.] (at /paddle/x.cc:1)\n"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("plain", "plain"),
        ("", "no message"),
        ("\n  \n", "no message"),
        ("first line\nsecond", "first line"),
        ("(OutOfRange) The index 5 is out of bounds. (at /paddle/x.h:405)\n", "The index 5 is out of bounds."),
        (MATMUL, "In operator matmul, the [1] dimension of Input(X) must be equal to the [0] dimension."),
        (SUMMARY, "The shapes differ."),
        ("x" * 500, "x" * 299 + "…"),
        ("(a) list", "(a) list"),
        ("ValueError: kept", "kept"),
        ("a  b", "a b"),
    ],
)
def test_the_sentence_that_matters(text, sentence):
    assert calls.raised(ValueError(text)) == Raised("ValueError", sentence)


class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError


def test_an_exception_is_told_by_the_notebooks_own_line():
    assert calls.raised(Unreadable()).sentence == "its message cannot be read"
    space = {}
    exec(compile("def own():\n    return int('x')\n", "<ipython-input-1-ab>", "exec"), space)
    reply = calls.call(space["own"], "plain", ())
    assert (reply.kind, reply.where) == ("ValueError", "line 2 of own")
    with pytest.raises(ValueError, match="x") as caught:
        exec(compile("int('x')", "<ipython-input-1-ab>", "exec"), {})
    assert calls.raised(caught.value).where == ""
    assert calls.call(lambda: 1, "plain", (1,)).kind == "TypeError"


def test_a_real_error_of_paddle_is_one_sentence():
    reply = calls.call(lambda x: paddle.to_tensor(x) @ paddle.to_tensor(x), "plain", (np.ones((2, 3)),))
    assert reply.kind == "ValueError"
    assert reply.sentence.startswith("In operator matmul, the [1] dimension of Input(X) must be equal")
    assert "Hint" not in reply.sentence
    assert calls.call(lambda x, n: paddle.to_tensor(x) * n, "plain", (np.ones(2), 3)).value.tolist() == [3, 3]
    assert paddle.is_grad_enabled()


def test_every_driver_has_a_sentence_on_what_it_does():
    assert all(driver.__doc__ for driver in drivers.DRIVERS.values())


def test_facts_of_what_is_no_dataclass_are_itself():
    assert worker._facts(Raised) is Raised
    assert worker._facts(5) == 5
    assert worker._facts(Raised("A", "b")) == {"is": "Raised", **dataclasses.asdict(Raised("A", "b"))}


def test_the_worker_is_a_program_that_ends_with_its_pipe(monkeypatch):
    out, into = os.pipe()
    os.close(into)
    monkeypatch.setattr(sys, "argv", ["worker", str(out), "1"])
    with pytest.raises(ValueError, match="cut off"):
        runpy.run_path(worker.__file__, run_name="__main__")
    os.close(out)
