"""The arrows of the design hold: who imports whom, what is public, and that nothing is written twice."""

import ast
import subprocess
import sys
from collections import defaultdict

import jupytext
import pytest

from tools.notebooks import ROOT
from tools.syntax import Definition, behaviour, parsed_cell

LAYERS = [  # a module imports only what stands in a line below its own; a folder counts as one module
    {"cli"},
    {"comparisons", "demos", "homework", "ladder", "memory_task", "slides"},
    {"training", "explain", "attribution", "plotting", "summary"},
    {"datasets", "models", "errata", "screening"},
    {"registry", "metrics", "fingerprint", "checkpoint", "modes", "timing", "augment", "results"},
    {"acquire"},
    {"manifest", "transfer"},
    {"settings"},  # setup says whose convolutions run, so it asks onednn
    {"ops", "optimizers", "onednn", "recipes", "averaging", "processes"},
    {"arithmetic"},
    {"errors"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
FILES = sorted((ROOT / "course_utils").rglob("*.py"))
MODULES = [path.relative_to(ROOT).as_posix() for path in FILES]


def module_of(file):
    """Its place in LAYERS: the file's name, or the folder's that it lies in."""
    return file.split("/")[1].removesuffix(".py")


def imported_modules(source, ours=LEVEL):
    """The modules of the package that a source imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide the arrows: write course_utils.…"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == "course_utils" and len(parts) > 1 and parts[1] in ours:
                yield parts[1]


def wrong_arrows(file, source):
    module = module_of(file)
    others = set(imported_modules(source)) - {module}
    return sorted(other for other in others if LEVEL[other] <= LEVEL[module])


@pytest.mark.parametrize("file", [file for file in MODULES if file != "course_utils/__init__.py"])
def test_imports_point_one_way(file):
    assert module_of(file) in LEVEL, f"{file} is new: give it a line in LAYERS"
    assert wrong_arrows(file, (ROOT / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "from course_utils import training",
        "from course_utils.training import Trainer",
        "import course_utils.training",
        "def f():\n    from course_utils.plotting.bars import ratio_bars",
        "from course_utils.datasets import digits",
    ],
)
def test_a_wrong_arrow_is_found(line):
    assert wrong_arrows("course_utils/models/lenet.py", line)
    assert wrong_arrows("course_utils/cli/study.py", line) == []


def test_the_package_imports_no_tools_and_no_tests():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[0] for name in names if name} & {"tools", "tests", "conftest"}, path


@pytest.mark.parametrize("file", MODULES)
def test_module_says_what_it_is_and_what_is_public(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module begins with one sentence on its subject"
    if file == "course_utils/__init__.py" or len(tree.body) == 1:  # nothing but its docstring
        return
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    public = [node for node in assigned if getattr(node.targets[0], "id", "") == "__all__"]
    assert len(public) == 1, "a module has one __all__"
    names = ast.literal_eval(public[0].value)
    defined = {node.name: node for node in tree.body if isinstance(node, Definition)}
    undocumented = [name for name in names if name in defined and not ast.get_docstring(defined[name])]
    assert undocumented == []


def test_import_is_light():
    """`import course_utils` must not wait for Paddle, nor for what only some modules need."""
    heavy = ["paddle", "sklearn", "skimage", "matplotlib", "pooch", "IPython"]
    program = f"import sys, course_utils; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


def test_notebooks_keep_no_helper_modules():
    """What chapters share lives in course_utils; beside the notebooks lie only their sources."""
    sources = ROOT / "notebooks" / "src"
    stray = [path for path in (ROOT / "notebooks").rglob("*.py") if path.parent not in (sources, sources / "homework")]
    assert stray == []


def definitions_everywhere():
    """Where each function of three statements or more is defined: in the package, tools, and chapters.

    Cells tagged `library` show a definition of the package on purpose.
    """
    places = defaultdict(list)
    for folder in ("course_utils", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            collect(places, path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
    for path in (ROOT / "notebooks" / "src").glob("*.py"):
        for cell in jupytext.read(path, fmt="py:percent").cells:
            if cell.cell_type == "code" and "library" not in cell.metadata.get("tags", []):
                collect(places, path.name, parsed_cell(cell.source))
    return places


def collect(places, place, tree):
    """Add the functions of a tree to places, by what they do whatever their name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and sum(isinstance(part, ast.stmt) for part in ast.walk(node)) > 3:
            places[behaviour(node).replace(f"name='{node.name}'", "", 1)].append(f"{place}: {node.name}")


def test_no_function_is_written_twice():
    assert [found for found in definitions_everywhere().values() if len(found) > 1] == []


def test_a_copied_function_is_found():
    body = "(x):\n    y = x + 1\n    if y:\n        return y\n    return x"
    places = defaultdict(list)
    collect(places, "a", ast.parse(f"def first{body}"))
    collect(places, "b", ast.parse(f"def second{body}".replace("):\n", '):\n    """Says more."""\n')))
    assert [found for found in places.values() if len(found) > 1] == [["a: first", "b: second"]]
