"""Hostile and broken submissions of homework 1, made in code: what each does, and how it must be graded.

An Attack is the body of one question's function; three of them go into one notebook, whose other questions are right.
A Broken is a notebook or a file that is odd as a whole.
"""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools import homework

QUESTIONS = {
    "q1": "output_size",
    "q2": "conv_parameters",
    "q3": "conv_multiplications",
    "q4": "conv_additions",
    "q5": "linear_shapes",
    "q6": "receptive_field_size",
}
ATTACKED = ("q2", "q4", "q6")
SEED = 987_654_321


@dataclass(frozen=True)
class Attack:
    """body: of a function of *args, in which `right(*args)` is the right answer. boxed: only where code is isolated."""

    name: str
    body: str
    verdict: str  # or several, with commas
    says: str = ""  # a regular expression for its sentence
    boxed: bool = False


@dataclass(frozen=True)
class Broken:
    """cells: what becomes of the right notebook's cells. verdicts: of questions that are not passed, with sentences."""

    name: str
    cells: Callable[[list[str]], list[str]] = list
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    note: str = ""
    boxed: bool = False
    data: Callable[[list[str]], bytes] | None = None  # of the file, where it is not the plain notebook
    ending: str = ".ipynb"


def attacks(outside: Path) -> list[Attack]:
    """Everything that a function may do. outside: a folder that no submission may touch, with secret.txt in it."""
    secret = repr(str(outside / "secret.txt"))
    not_there = "not there when homework is graded"
    search = f"""
import os
def texts():
    yield from os.environ.values()
    for place in ('/proc', '/proc/' + str(os.getppid()), '/tmp', {str(outside)!r}, '.', '..', '../..'):
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            for path in (place + '/' + name, place + '/' + name + '/cmdline', place + '/' + name + '/environ'):
                try:
                    yield open(path, errors='replace').read(10_000)
                except OSError:
                    pass
    for name in ('cmdline', 'environ'):
        try:
            yield open('/proc/' + str(os.getppid()) + '/' + name).read()
        except OSError:
            pass
"""
    return [
        Attack("endless loop", "while True: pass", "timed out", "did not end within .* endless loop"),
        Attack(
            "a thread that goes on",
            "import threading, time\n"
            "def on():\n    while True: time.sleep(.001)\n"
            "threading.Thread(target=on, daemon=True).start()\nreturn right(*args)",
            "passed",
        ),
        Attack("deep recursion", "def f(n): return f(n + 1)\nreturn f(0)", "raised", "RecursionError"),
        Attack(
            "recursion without a limit",
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return str(f(n + 1)) + repr([n])\nreturn f(0)",
            "crashed,raised,timed out",
        ),
        Attack("crash", "import ctypes\nctypes.string_at(0)", "crashed", "ended with signal 11"),
        Attack("abort", "import os\nos.abort()", "crashed", "ended with signal"),
        Attack("os._exit", "import os\nos._exit(0)", "crashed", "exit status 0"),
        Attack("sys.exit", "import sys\nsys.exit()", "raised", "SystemExit"),
        Attack("KeyboardInterrupt", "raise KeyboardInterrupt", "raised", "KeyboardInterrupt"),
        Attack("GeneratorExit", "raise GeneratorExit", "raised", "GeneratorExit"),
        Attack("100 GB", "import numpy\nreturn numpy.ones(10**11, 'u1')", "raised", "MemoryError"),
        Attack(
            "memory bit by bit", "x = []\nwhile True: x.append(bytes(2**26))", "raised,crashed", "MemoryError|ended"
        ),
        Attack("prints 64 MB in a call", "for _ in range(64): print('x' * 2**20)\nreturn right(*args)", "passed"),
        Attack(
            "fills the disk",
            "for n in range(10**4):\n    open(f'f{n}', 'wb').write(bytes(2**24))",
            "crashed",
            "wrote more than 256 MB",
        ),
        Attack("one large file", "open('large', 'wb').write(bytes(2**26))", "raised", "File too large"),
        Attack("a million files", "for n in range(10**6): open(f'f{n}', 'w').close()", "crashed,timed out", ""),
        Attack(
            "a deep folder",
            "import os\nfor n in range(200):\n    os.mkdir('d' * 20)\n    os.chdir('d' * 20)\nreturn right(*args)",
            "passed",
        ),
        Attack("fork bomb", "import os\nwhile True: os.fork()", "raised", not_there, boxed=True),
        Attack(
            "a child that outlives",
            "import subprocess\nsubprocess.Popen(['sleep', '1234'], start_new_session=True)\nreturn right(*args)",
            "raised",
            not_there,
            boxed=True,
        ),
        Attack(
            "multiprocessing",
            "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=print).start()",
            "raised",
            not_there,
            boxed=True,
        ),
        Attack(
            "thread bomb",
            "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
            "raised,crashed,timed out",
            boxed=True,
        ),
        Attack("reads outside", f"return open({secret}).read()", "raised", not_there, boxed=True),
        Attack("writes outside", f"open({secret}, 'w').write('changed')", "raised", not_there, boxed=True),
        Attack(
            "deletes outside",
            f"import shutil\nshutil.rmtree({str(outside)!r}, ignore_errors=True)\nreturn right(*args)",
            "passed",
            boxed=True,
        ),
        Attack("deletes one file", f"import os\nos.remove({secret})", "raised", not_there, boxed=True),
        Attack(
            "renames outside",
            f"import os\nos.rename({secret}, 'mine')",
            "raised",
            "PermissionError|OSError",
            boxed=True,
        ),
        Attack("changes rights", f"import os\nos.chmod({str(outside)!r}, 0)", "raised", not_there, boxed=True),
        Attack("changes times", f"import os\nos.utime({secret})", "raised", not_there, boxed=True),
        Attack("truncates", f"import os\nos.truncate({secret}, 0)", "raised", not_there, boxed=True),
        Attack(
            "a link to the outside",
            f"import os\nos.symlink({secret}, 'link')\nreturn open('link').read()",
            "raised",
            "not there|exists",
            boxed=True,
        ),
        Attack("socket", "import socket\nsocket.create_connection(('127.0.0.1', 9))", "raised", not_there, boxed=True),
        Attack("kills the grader", "import os\nos.kill(os.getppid(), 9)", "raised", not_there, boxed=True),
        Attack(
            "limits the grader",
            "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
            "raised",
            not_there,
            boxed=True,
        ),
        Attack(
            "reads the grader's memory", "import os\nopen(f'/proc/{os.getppid()}/mem')", "raised", not_there, boxed=True
        ),
        Attack(
            "claims to be equal",
            "class Equal:\n    def __eq__(self, other): return True\n    __hash__ = None\nreturn Equal()",
            "wrong",
            "is an Equal, not a whole number",
        ),
        Attack(
            "a number that is always equal",
            "class Any(int):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
            "    def __ne__(self, other): return False\nreturn Any(-5)",
            "wrong",
            "the value is wrong",
        ),
        Attack(
            "an array that is always equal",
            "import numpy\nclass Array(numpy.ndarray):\n    def __eq__(self, other): return numpy.True_\n"
            "    def __ne__(self, other): return numpy.False_\n"
            "    def __array_function__(self, *args): return True\nreturn numpy.array(-5).view(Array)",
            "wrong",
            "the value is wrong",
        ),
        Attack(
            "hostile texts",
            "class Odd:\n    def __repr__(self): raise SystemExit\n    __str__ = __repr__\n"
            "    __class__ = property(lambda self: int)\nreturn Odd()",
            "wrong,raised",
        ),
        Attack(
            "an error that cannot be read",
            "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
            "raised",
            "cannot be read",
        ),
        Attack("an error of 100 MB", "raise ValueError('x' * 10**8)", "raised", "xxx"),
        Attack("an error in half a letter", r"raise ValueError('\ud800 \x1b[2J =1+1')", "raised", r"\? \[2J =1\+1"),
        Attack("nan", "return float('nan')", "wrong", "holds 1 nan of 1"),
        Attack("nothing", "return None", "wrong", "end the function with return"),
        Attack(
            "a string of 1 GB",
            "import sys\nif not hasattr(sys, 'x'): sys.x = 'x' * 2**30\nreturn sys.x",
            "wrong",
            "is a text, not a whole number",
        ),
        Attack("an array of 1 GB", "import numpy\nreturn numpy.zeros(2**30, 'u1')", "raised", "bytes of arrays"),
        Attack(
            "the largest arrays that are sent",
            "import numpy\nrows = [numpy.zeros(2**20, 'u1') for _ in range(8)]\nreturn [*rows, numpy.zeros(2**20)]",
            "wrong",
            "the result holds 9,437,184 values, not 1",
        ),
        Attack("the longest list that is sent", "return ['x' * 90] * 19_000", "wrong", "holds 19,000 values, not 1"),
        Attack("a long list", "return [0] * 10**7", "raised", "20,000 items"),
        Attack("a list in itself", "x = []\nx.append(x)\nreturn x", "raised", "8 levels"),
        Attack("a huge number", "return 10**5000", "wrong", "int of over 1,000 digits"),
        Attack("a generator", "yield 1", "wrong", "is a generator, not a whole number"),
        Attack(
            "looks for the seed",
            f"{search}\nreturn 'found' if any('{SEED}' in text for text in texts()) else -1",
            "wrong",
            "the value is wrong",
            boxed=True,
        ),
        Attack(
            "looks through frames and memory",
            "import gc, sys\nframe, found = sys._getframe(), []\nwhile frame:\n"
            "    found += [name for name in ('seed', 'expected', 'wrong', 'oracle') if name in frame.f_locals]\n"
            "    frame = frame.f_back\n"
            "found += [x for x in gc.get_objects() if type(x).__name__ in ('Prepared', 'Outcome', 'Case')]\n"
            "return str(found) if found else -1",
            "wrong",
            "the value is wrong",
        ),
        Attack("imports the oracle", "from course_utils.homework import hw1\nreturn 1", "raised", "Error"),
        Attack(
            "forges an answer",
            "import os, sys\nfrom course_utils.homework.values import encode\n"
            "numbers, frame = list(range(300)), sys._getframe()\n"
            "while frame:\n"
            "    numbers += [frame.f_locals['command']['number']] if 'command' in frame.f_locals else []\n"
            "    frame = frame.f_back\n"
            "for number in numbers:\n"
            "    frame = encode({'number': number, 'answer': {'is': 'Returned', 'value': -7}})\n"
            "    for pipe in range(3, 40):\n"
            "        try: os.write(pipe, len(frame).to_bytes(8, 'little') + frame)\n"
            "        except OSError: pass\n"
            "return -7",
            "wrong",
            "the value is wrong",
        ),
        Attack(
            "forges rubbish",
            "import os\nfor pipe in range(3, 40):\n    try: os.write(pipe, b'\\xff' * 64)\n    except OSError: pass\n"
            "return right(*args)",
            "crashed",
            "too large",
        ),
        Attack(
            "forges a frame drop by drop",
            "import os, time\nwhile True:\n    for pipe in range(3, 40):\n"
            "        try: os.write(pipe, b'\\0')\n        except OSError: pass\n    time.sleep(.01)",
            "timed out,crashed",
        ),
        Attack("closes its pipes", "import os\nos.closerange(3, 200)\nreturn right(*args)", "crashed,raised"),
        Attack(
            "patches while it is called",
            "import builtins\nbuiltins.len = builtins.isinstance = lambda *a: True\nreturn -1",
            "wrong,raised,crashed",
        ),
    ]


def broken(outside: Path) -> list[Broken]:
    """Everything that can be odd about a notebook or a file."""

    def all_missing(says: str) -> dict[str, tuple[str, str]]:
        return dict.fromkeys(QUESTIONS, ("missing", says))

    def before(*sources: str) -> Callable[[list[str]], list[str]]:
        return lambda cells: [*sources, *cells]

    def q2(source: str) -> Callable[[list[str]], list[str]]:
        return lambda cells: [source if "def conv_parameters" in cell else cell for cell in cells]

    wrong_q2 = "def conv_parameters(*args): return -1"
    value = {"q2": ("wrong", "the value is wrong")}
    return [
        Broken("honest"),
        Broken("an endless cell", before("while True: pass"), note="cell 1 was left out: it did not end within"),
        Broken("a cell that ends", before("import os\nos._exit(1)"), note="cell 1 was left out: .* exit status 1"),
        Broken("sys.exit in a cell", before("import sys\nsys.exit(1)"), note="cell 1 raised SystemExit"),
        Broken("exit in a cell", before("exit()")),
        Broken(
            "input in a cell", before("name = input('Name?')"), note=r"cell 1 raised EOFError: input\(\) is not there"
        ),
        Broken(
            "magics",
            before("%matplotlib inline\nimport numpy", f"%%bash\nrm -rf {outside}", f"!rm -rf {outside}"),
            note="cell 2 raised PermissionError: programs, .* cell 3 raised PermissionError",
            boxed=True,
        ),
        Broken("prints 1 GB in a cell", before("for _ in range(128): print('x' * 2**23)")),
        Broken(
            "patches builtins",
            lambda cells: [
                *q2(wrong_q2)(cells),
                "import builtins\nbuiltins.isinstance = builtins.all = lambda *a: True\nbuiltins.len = lambda x: 1",
            ],
            value,
        ),
        Broken(
            "patches numpy",
            lambda cells: [
                *q2(wrong_q2)(cells),
                "import numpy, numpy.testing\nfor name in dir(numpy.testing):\n"
                "    if name.startswith('assert'): setattr(numpy.testing, name, lambda *a, **b: None)\n"
                "numpy.allclose = numpy.array_equal = numpy.isclose = lambda *a, **b: True",
            ],
            value,
        ),
        Broken(
            "patches paddle",
            lambda cells: [
                *q2(wrong_q2)(cells),
                "import paddle\npaddle.allclose = paddle.equal_all = paddle.Tensor.__eq__ = lambda *a, **b: True",
            ],
            value,
        ),
        Broken(
            "patches the checks",
            lambda cells: [
                *q2(wrong_q2)(cells),
                "from course_utils.homework import ladder, compare, calls, Homework\n"
                "Homework.check = hw.check = lambda *a: 'passed'\nladder.check = compare.same = lambda *a: True\n"
                "compare.difference = lambda *a: None",
            ],
            value,
            note="looks into the checks",
        ),
        Broken(
            "patches what carries the answers",
            lambda cells: [*cells, "import json\njson.dumps = lambda *a, **b: 'x'"],
            note="was left out|",
        ),
        Broken(
            "avoided name",
            lambda cells: [
                "from course_utils.arithmetic import conv2d_cost",
                *(cell.replace("    n, c, height", "    conv2d_cost\n    n, c, height") for cell in cells),
            ],
            note="the notebook uses conv2d_cost for q3 and q4, where the task forbids it",
        ),
        Broken("a missing cell", q2("x = 1"), {"q2": ("missing", "There is no conv_parameters yet")}),
        Broken(
            "a renamed function",
            lambda cells: [cell.replace("conv_parameters", "parameters_of_conv") for cell in cells],
            {"q2": ("missing", "There is no conv_parameters yet")},
        ),
        Broken("a duplicated cell", before(wrong_q2), note="conv_parameters is defined 2 times: the last one counted"),
        Broken("reordered cells", lambda cells: cells[::-1], note="raised NameError"),
        Broken(
            "a syntax error in a cell",
            q2("def conv_parameters(a, b, c, d)\n    return 1"),
            {"q2": ("missing", r"There is no conv_parameters, since cell \d+ raised SyntaxError")},
        ),
        Broken(
            "no function at all",
            q2("conv_parameters = 64"),
            {"q2": ("wrong", r"is an int, and should be a function of \(")},
        ),
        Broken(
            "other arguments",
            q2("def conv_parameters(x): return x"),
            {"q2": ("wrong", "takes 1 argument, and should take 4")},
        ),
        Broken("stripped metadata", data=lambda cells: json.dumps({"cells": _bare(cells)}).encode()),
        Broken("nbformat 3", data=_version_3),
        Broken("latin-1", data=lambda cells: _notebook(cells, text="é è ü").encode("latin-1"), note="Latin-1"),
        Broken("with a mark of its order", data=lambda cells: b"\xef\xbb\xbf" + _notebook(cells).encode()),
        Broken("作业一 张伟 (副本)"),
        Broken("stored outputs of 100 MB", data=_long_outputs, note="only its cells were read"),
        Broken("an empty file", data=lambda cells: b"", verdicts=all_missing("empty")),
        Broken("not a notebook", data=lambda cells: b"%PDF-1.7 \x00\xff", verdicts=all_missing("not a notebook")),
        Broken("json but no notebook", data=lambda cells: b"[1, 2]", verdicts=all_missing("JSON but not a notebook")),
        Broken("cut off", data=lambda cells: _notebook(cells).encode()[:2000], verdicts=all_missing("not a notebook")),
        Broken("nested deeply", data=lambda cells: b"[" * 10**6, verdicts=all_missing("not a notebook")),
        Broken(
            "odd cells",
            data=lambda cells: json.dumps(
                {"cells": [1, None, {"source": 5}, {"cell_type": []}, *_bare(cells)]}
            ).encode(),
        ),
        Broken("nothing in it", data=lambda cells: b'{"cells": []}', verdicts=all_missing("There is no")),
        Broken(
            "too much code",
            before("x = '" + "y" * 300_000 + "'"),
            all_missing("200,000 characters in a cell"),
        ),
        Broken("zipped", data=lambda cells: _zip(("a/hw1.ipynb", _notebook(cells))), ending=".zip"),
        Broken(
            "zip slip",
            data=lambda cells: _zip(("../../escaped.ipynb", _notebook(cells))),
            verdicts=all_missing("leads out of the zip"),
            ending=".zip",
        ),
        Broken(
            "zip bomb",
            data=lambda cells: _zip(("bomb.ipynb", " " * 2**27)),
            verdicts=all_missing("134,217,728 bytes: it was not unpacked"),
            ending=".zip",
        ),
        Broken("damaged zip", data=lambda cells: b"PK\x03\x04rubbish", verdicts=all_missing("damaged"), ending=".zip"),
    ]


def right_cells() -> list[str]:
    """The code cells of the homework with its solutions."""
    return homework.reference(homework.ROOT, "hw1_counting")


def attacked(three: list[Attack]) -> list[str]:
    """The right cells with up to three questions attacked, and the others as they are."""
    cells = right_cells()
    for attack, question in zip(three, ATTACKED, strict=False):
        name = QUESTIONS[question]
        place = next(number for number, cell in enumerate(cells) if f"def {name}(" in cell)
        right = cells[place].replace(f"def {name}(", f"def right_{question}(")
        body = "\n".join(f"    {line}" for line in attack.body.replace("right(", f"right_{question}(").splitlines())
        cells[place] = f"{right}\n\ndef {name}(*args):\n{body}"
    return cells


def write(folder: Path, name: str, item: Broken) -> None:
    """One file of a submission."""
    cells = item.cells(right_cells())
    (folder / f"{name}{item.ending}").write_bytes(item.data(cells) if item.data else _notebook(cells).encode())


def write_notebook(path: Path, cells: list[str], text: str = "") -> None:
    path.write_text(_notebook(cells, text), "utf-8")


def _notebook(cells: list[str], text: str = "") -> str:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": s} for s in cells]
    words = [{"cell_type": "markdown", "metadata": {}, "source": text}]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": words + made}, ensure_ascii=False)


def _bare(cells: list[str]) -> list[dict[str, str]]:
    return [{"cell_type": "code", "source": cell} for cell in cells]


def _version_3(cells: list[str]) -> bytes:
    made = [{"cell_type": "code", "input": cell.splitlines(keepends=True), "language": "python"} for cell in cells]
    return json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": made}, 5, {"cells": 5}]}).encode()


def _long_outputs(cells: list[str]) -> bytes:
    return _notebook(cells).replace('"outputs": []', f'"outputs": ["{"x" * (100 * 2**20)}"]', 1).encode()


def _zip(*members: tuple[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return data.getvalue()
