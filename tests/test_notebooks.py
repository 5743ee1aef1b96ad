"""Every committed notebook holds what tools/guards.py asks; every guard rejects a notebook that breaks it.

That the outputs are right is nbval's part: pytest runs it over the same notebooks.
"""

import base64
import copy
from pathlib import Path

import nbformat
import pytest

from course_utils.demos.gallery import GALLERY
from tools.build import state
from tools.execution import WIDGET
from tools.guards import GUARDS, complaints
from tools.notebooks import ROOT, notebook_path, source_names

NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
PATH = ROOT / "notebooks" / "98_sound.ipynb"  # need not exist: links are relative to its folder
SETUP = (
    "98_sound · course_utils 0.1.0 · Paddle 3.3.1 · cpu (1 thread) · data auto (found: mnist) · full profile · seed 0\n"
)
PIXEL = base64.b64encode(b"PNG").decode()
ADDRESS = "https:" + "//example.com/page"


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def shown(text, kind="image/png", data=PIXEL):
    return nbformat.v4.new_output("display_data", data={"text/plain": text, kind: data})


def code(source, *outputs, tags=()):
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    cell.metadata = nbformat.from_dict({"tags": list(tags)} if tags else {})
    return cell


def numbered(notebook):
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.execution_count = number
    return notebook


def sound():
    """A small notebook that all guards accept; its cells are named by their number below."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return numbered(
        nbformat.v4.new_notebook(
            metadata=metadata,
            cells=[
                code(
                    "from course_utils import settings\nrun = settings.setup('98_sound')", printed(SETUP), tags=IGNORE
                ),
                nbformat.v4.new_markdown_cell("# Sound\n[the source](src/chapters.toml), `[no](link)`, [up](#sound)"),
                code("import numpy as np\nimport time\nshape = [2, 3]\nprint(shape)", printed("[2, 3]\n")),
                code("seconds = time.time()\nprint(seconds)", printed("1.7\n"), tags=IGNORE),
                code("assert seconds > 0"),
                code("plt.plot([1, 2])\nplt.show()", shown("<Figure size 800x400 with 1 Axes>"), tags=["cover"]),
                code('class CourseError(ValueError):\n    """Shown."""\n' + METHOD, tags=["library"]),
                nbformat.v4.new_markdown_cell(f"## References\n[A page]({ADDRESS}), 2015"),
            ],
        )
    )


IGNORE = ["nbval-ignore-output"]
METHOD = "    def _render_traceback_(self):\n        return [f'{type(self).__name__}: {self}']"
FIRST, PROSE, SHAPE, TIMED, CHECK, PLOT, LIBRARY, REFERENCES = range(8)


def out_of_order(cells):
    cells[SHAPE].execution_count = 7


def never_executed(cells):
    cells[SHAPE].execution_count = None


def error(cells):
    cells[SHAPE].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])]


def stderr(cells):
    cells[SHAPE].outputs += [nbformat.v4.new_output("stream", name="stderr", text="a warning")]


def text(value):
    def put(cells):
        cells[SHAPE].outputs = [printed(value)]

    return put


def html(value):
    def put(cells):
        cells[SHAPE].outputs = [shown("", "text/html", value)]

    return put


def no_outputs(cells):
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = []


def mostly_ignored(cells):
    cells[SHAPE].metadata["tags"] = cells[PLOT].metadata["tags"] = [*IGNORE, "demo"]


def tagged(*tags):
    def put(cells):
        cells[SHAPE].metadata["tags"] = list(tags)

    return put


def source(index, value):
    def put(cells):
        cells[index].source = value

    return put


def last_cell_ignored(cells):
    cells[LIBRARY].source, cells[LIBRARY].metadata["tags"] = "print(seconds)", IGNORE


def check_prints_nothing(cells):
    cells[CHECK].source = "later = seconds + 1"


def check_is_ignored_too(cells):
    cells[CHECK] = code("print(seconds)", printed("1.7\n"), tags=IGNORE)


def no_picture(cells):
    cells[PLOT].outputs = [printed("drawn\n")]


def demo_of_a_widget(cells):
    cells[TIMED].outputs = [shown("A demo", WIDGET, {"model_id": "1"})]


def demo_without_words(cells):
    cells[TIMED] = code("slider()", tags=[*IGNORE, "demo"])


def demo_that_is_compared(cells):
    cells[SHAPE].metadata["tags"] = ["demo"]


def heavy(kind, length):
    def put(cells):
        cells[PLOT].outputs += [shown("", kind, "A" * length)]

    return put


def other_setup(old, new):
    def put(cells):
        cells[FIRST].outputs = [printed(SETUP.replace(old, new))]

    return put


def second_cover(cells):
    cells[SHAPE].metadata["tags"] = ["cover"]


def timing(cells):
    cells[SHAPE].metadata["execution"] = {"iopub.execute_input": "2025"}


BROKEN = {
    "executed_in_order": [out_of_order, never_executed],
    "without_errors": [error, stderr],
    "same_text_everywhere": [
        text("<object at 0x7f3a>"),
        text("Tensor(shape=[1], dtype=float32, place=Place(cpu))"),
        text("np.float64(0.5)"),
        text("read /" + "home/me/data"),
        text("read C:\\Users"),
        text("50 %\r100 %"),
        text("\x1b[31mred"),
        html("<p>at 0x7f3a</p>"),
    ],
    "half_compared": [mostly_ignored, no_outputs],
    "known_tags": [tagged("nbval-ignore-outputs"), source(SHAPE, "# NBVAL_IGNORE_OUTPUT\nprint(shape)")],
    "ignored_then_checked": [
        source(CHECK, "assert shape"),
        source(CHECK, "assert time"),
        source(CHECK, "assert print"),
        check_prints_nothing,
        check_is_ignored_too,
        last_cell_ignored,
    ],
    "pictures_there": [no_picture],
    "demos_as_text": [demo_of_a_widget, demo_without_words, demo_that_is_compared],
    "links_local": [
        source(PROSE, "[gone](01_gone.ipynb)"),
        source(PROSE, f"[A page]({ADDRESS})"),
        source(PROSE, '<img src="pictures/gone.png">'),
        source(REFERENCES, f"## References\n![A picture]({ADDRESS}.png)"),
        source(REFERENCES, f'## References\n<img width="3" src="{ADDRESS}.png">'),
        source(REFERENCES, f"## References\n[A page]({ADDRESS})\n## Next\n[A page]({ADDRESS})"),
        source(PROSE, "![pasted](attachment:picture.png)"),
    ],
    "size": [heavy("image/png", 1_000_000), heavy("image/gif", 2_000_000)],
    "short_cells": [source(SHAPE, "pass\n" * 26), source(LIBRARY, "pass\n" * 41)],
    "setup_line": [
        other_setup("98_sound", "97_other"),
        other_setup("full profile", "quick profile"),
        other_setup("cpu (1 thread) · ", ""),
        other_setup(" · seed 0", ""),
        other_setup(SETUP, ""),
        source(FIRST, "run = 1\n" * 9),
    ],
    "clean_metadata": [timing],
    "library_cells": [
        source(LIBRARY, "class CourseError(ValueError):\n    pass"),
        source(LIBRARY, "def no_such_function():\n    return 1"),
        source(LIBRARY, "x = 1"),
    ],
    "one_cover": [second_cover, no_picture],
}
CASES = [(name, broken) for name, all_broken in BROKEN.items() for broken in all_broken]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_notebook_is_sound(name):
    notebook = nbformat.read(ROOT / name, as_version=4)
    assert complaints(notebook, ROOT / name) == []


@pytest.mark.parametrize("name", source_names(ROOT))
def test_notebook_has_the_cells_of_its_source(name):
    found = state(ROOT, name)
    assert found in ("fresh", "stale"), f"{notebook_path(ROOT, name).name} is {found}: python -m tools.build {name}"


def test_every_notebook_has_a_source():
    built = {Path(name).stem for name in NOTEBOOKS if Path(name).parent.name == "notebooks"}
    assert built <= set(source_names(ROOT))


@pytest.mark.parametrize("card", GALLERY, ids=lambda card: card.name)
def test_a_demo_stands_in_the_chapter_of_its_card(card):
    (name,) = (name for name in source_names(ROOT) if name.startswith(f"{card.chapter}_"))
    cells = nbformat.read(notebook_path(ROOT, name), as_version=4).cells
    (at,) = (k for k, cell in enumerate(cells) if cell.source == f'demos.show("{card.name}")')
    assert "demo" in cells[at].metadata.tags
    assert "**Move it yourself:**" in cells[at - 1].source
    assert cells[at].outputs[0].data["text/plain"].startswith(f"{card.title}: ")


def test_sound_notebook_passes_all_guards():
    assert complaints(sound(), PATH) == []


def test_every_guard_has_a_broken_notebook():
    assert set(BROKEN) == {guard.__name__ for guard in GUARDS}


@pytest.mark.parametrize(("name", "broken"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_guard_rejects_its_broken_notebook(name, broken):
    guard = next(guard for guard in GUARDS if guard.__name__ == name)
    notebook = sound()
    before = copy.deepcopy(notebook)
    broken(notebook.cells)
    assert notebook != before
    assert list(guard(notebook, PATH))


def test_widget_state_and_timing_are_rejected():
    notebook = sound()
    notebook.metadata["widgets"] = {}
    assert "widgets" in "".join(complaints(notebook, PATH))


def test_ignored_setup_and_demo_need_no_check():
    notebook = sound()
    notebook.cells[CHECK:CHECK] = [code("slider()", shown("Run it", "text/html", ""), tags=[*IGNORE, "demo"])]
    assert complaints(numbered(notebook), PATH) == []


def test_compared_output_counts_as_a_check():
    notebook = sound()
    notebook.cells[CHECK] = code("print(seconds > 0)", printed("True\n"))
    assert complaints(numbered(notebook), PATH) == []


def test_map_needs_no_cover():
    notebook = sound()
    notebook.cells[PLOT].metadata["tags"] = []
    assert "cover" in "".join(complaints(notebook, PATH))
    notebook.cells[FIRST].outputs = [printed(SETUP.replace("98_sound", "00_start"))]
    assert complaints(notebook, PATH.with_name("00_start.ipynb")) == []


def test_a_homework_needs_no_setup_line():
    notebook = sound()
    notebook.cells[FIRST].outputs = []
    assert "setup line" in "".join(complaints(notebook, PATH))
    assert "setup line" not in "".join(complaints(notebook, PATH.parent / "homework" / PATH.name))


def test_a_gif_makes_room():
    notebook = sound()
    heavy("image/gif", 1_500_000)(notebook.cells)
    assert complaints(notebook, PATH) == []
