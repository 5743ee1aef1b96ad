"""The builder: executes what changed, touches nothing else, and stops with the cell that failed."""

import base64
import io
import shutil

import nbformat
import numpy as np
import pytest
from PIL import Image

from tools import build, execution
from tools.chapters import BuildError, card, chapter_table, read_chapters, readme_with_table
from tools.notebooks import ROOT, code_hash, notebook_path, read_source, source_path
from tools.pictures import shrink_pictures, write_cover

CHAPTERS = """
[00_start]
number = 0
title = "Start"
chinese = "开始"
sees = "The map."
you_will = ["find the way"]
you_need = "Nothing."
minutes = 1
data = "none"

[01_tiny]
number = 1
title = "Tiny"
chinese = "小"
sees = "One picture."
you_will = ["add", "subtract", "draw"]
you_need = "Python."
minutes = 1
data = "made here"
"""

SOURCE = """# %% [markdown]
# # Tiny

# %% [markdown]
# {card}

# %%
from course_utils import one
print("first")
print(one.VALUE)

# %% tags=["nbval-ignore-output"]
import os
print(os.environ["COURSE_PROFILE"], os.environ.get("OMP_NUM_THREADS", "the default"), os.getcwd())

# %%
1 + 1

# %%
1 + 1
"""

PICTURE = """
# %% tags=["cover"]
import matplotlib.pyplot as plt
plt.figure(figsize=(4, 2), facecolor="{colour}")
plt.show()
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small repository: one chapter, and a package of two modules of which the second is used by the first."""
    for name in ("COURSE_PROFILE", "OMP_NUM_THREADS", "COURSE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    sources, package = tmp_path / "notebooks" / "src", tmp_path / "course_utils"
    sources.mkdir(parents=True)
    package.mkdir()
    (sources / "chapters.toml").write_text(CHAPTERS, encoding="utf-8")
    (sources / "01_tiny.py").write_text(SOURCE, encoding="utf-8")
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from course_utils.two import VALUE\n")
    (package / "two.py").write_text("VALUE = 2\n")
    (package / "unused.py").write_text("VALUE = 3\n")
    (tmp_path / "README.md").write_text("# R\n<!-- chapters -->\n<!-- /chapters -->\nend\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def read(root):
    return nbformat.read(notebook_path(root, "01_tiny"), as_version=4)


def outputs(notebook):
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def no_kernel(monkeypatch):
    """Whoever executes anything fails; and the notebook looks as if it had been executed."""

    def pretend(notebook, *_):
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, 1):
            cell.execution_count = count
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"run {pretend.runs}\n")]
        pretend.runs += 1

    pretend.runs = 1
    monkeypatch.setattr(build, "execute", pretend)
    return pretend


def test_builds_an_executed_notebook(root, capsys):
    assert build.main(["01"], root) == 0
    notebook = read(root)
    first, environment, *sums = outputs(notebook)
    assert [(output.output_type, output.text) for output in first] == [("stream", "first\n2\n")]
    assert environment[0].text == f"full the default {(root / 'notebooks').resolve()}\n"
    assert [cell[0].data["text/plain"] for cell in sums] == ["2", "2"]
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert "*You will* add, subtract, and draw." in notebook.cells[1].source
    assert set(notebook.metadata) == {"course", "kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert "01_tiny: executed in" in capsys.readouterr().out


def test_a_widget_is_stored_as_its_text(root):
    show = "from IPython.display import display\ndisplay({'text/plain': 'A slider', %r: {'model_id': '1'}}, raw=True)\n"
    (root / "notebooks" / "src" / "01_tiny.py").write_text(f"# %%\n{show % execution.WIDGET}", encoding="utf-8")
    build.build(root, "01_tiny")
    assert [output.data for output in outputs(read(root))[0]] == [{"text/plain": "A slider"}]


def test_twice_gives_the_same_bytes(root, capsys):
    build.build(root, "01_tiny")
    path = notebook_path(root, "01_tiny")
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    build.build(root, "01_tiny")
    assert "up to date" in capsys.readouterr().out
    assert path.stat().st_mtime_ns == changed
    build.build(root, "01_tiny", force=True)
    assert path.read_bytes() == before


def test_equal_cells_have_their_own_stable_ids(root):
    ids = [cell.id for cell in read_source(root, "01_tiny")]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == f"{ids[-2]}-2"
    edit(source_path(root, "01_tiny"), "# # Tiny", "# # Tinier")
    assert [cell.id for cell in read_source(root, "01_tiny")][1:] == ids[1:]


def test_only_new_prose_keeps_the_outputs(root, no_kernel, capsys):
    build.build(root, "01_tiny")
    edit(source_path(root, "01_tiny"), "# # Tiny", "# # Tinier")
    assert build.state(root, "01_tiny") == "edited"
    build.build(root, "01_tiny")
    assert no_kernel.runs == 2
    assert "outputs kept" in capsys.readouterr().out
    assert read(root).cells[0].source == "# Tinier"
    assert outputs(read(root))[0][0].text == "run 1\n"
    assert build.state(root, "01_tiny") == "fresh"


@pytest.mark.parametrize(
    ("file", "old", "new", "state"),
    [
        ("notebooks/src/01_tiny.py", "1 + 1", "1 + 2", "edited"),
        ("notebooks/src/01_tiny.py", "# %%\n1", '# %% tags=["cover"]\n1', "edited"),
        ("notebooks/src/chapters.toml", "minutes = 1", "minutes = 2", "edited"),
        ("course_utils/one.py", "two", "unused", "stale"),
        ("course_utils/two.py", "2", "3", "stale"),
        ("course_utils/__init__.py", "", "# new", "stale"),
        ("course_utils/unused.py", "3", "4", "fresh"),
    ],
)
def test_state_follows_what_the_outputs_come_from(root, no_kernel, file, old, new, state):
    build.build(root, "01_tiny")
    assert build.state(root, "01_tiny") == "fresh"
    edit(root / file, old, new)
    assert build.state(root, "01_tiny") == state
    build.build(root, "01_tiny")
    assert build.state(root, "01_tiny") == "fresh"


@pytest.mark.parametrize(
    "line",
    [
        "import course_utils.two",
        "from course_utils.two import VALUE",
        "from course_utils import two as other",
        "def f():\n    import course_utils.two\n%matplotlib inline",
    ],
)
def test_every_way_to_import_counts(root, line):
    cells = [nbformat.v4.new_code_cell(line)]
    before = code_hash(root, cells)
    edit(root / "course_utils" / "two.py", "2", "3")
    assert code_hash(root, cells) != before


def test_relative_imports_and_data_of_the_package_count(root):
    cells = [nbformat.v4.new_code_cell("from course_utils import one")]
    (root / "course_utils" / "one.py").write_text("from .two import VALUE\nfrom . import unused\n")
    hashes = {code_hash(root, cells)}
    for name in ("two.py", "unused.py", "style.mplstyle"):
        (root / "course_utils" / name).write_text("VALUE = 9\n")
        hashes.add(code_hash(root, cells))
    assert len(hashes) == 4


def test_another_profile_executes_again(root, no_kernel, monkeypatch):
    build.build(root, "01_tiny")
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    build.build(root, "01_tiny")
    assert no_kernel.runs == 3
    assert read(root).metadata.course.profile == "quick"


def test_cleared_outputs_are_stale(root, no_kernel):
    build.build(root, "01_tiny")
    notebook = read(root)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, notebook_path(root, "01_tiny"))
    assert build.state(root, "01_tiny") == "stale"


def test_failing_cell_is_shown_and_nothing_is_overwritten(root, no_kernel, monkeypatch, capsys):
    build.build(root, "01_tiny")
    before = notebook_path(root, "01_tiny").read_bytes()
    monkeypatch.setattr(build, "execute", execution.execute)
    edit(source_path(root, "01_tiny"), "1 + 1\n\n", "divisor = 0\n1 / divisor\n\n")
    assert build.main(["01_tiny"], root) == 1
    message = capsys.readouterr().err
    assert message.startswith("01_tiny: code cell 3 failed; nothing was written")
    assert "    divisor = 0\n    1 / divisor" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "\x1b" not in message
    assert notebook_path(root, "01_tiny").read_bytes() == before
    assert list((root / "notebooks").glob("*.part")) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [("import time; time.sleep(60)", "It took longer than 1 s."), ("os._exit(1)", "The kernel died")],
)
def test_a_cell_that_hangs_or_kills_the_kernel(root, monkeypatch, line, reason):
    monkeypatch.setattr(execution, "CELL_TIMEOUT", 1)
    edit(source_path(root, "01_tiny"), "1 + 1\n\n", f"{line}\n\n")
    with pytest.raises(BuildError) as caught:
        build.build(root, "01_tiny")
    assert "code cell 3 failed" in str(caught.value)
    assert line in str(caught.value)
    assert reason in str(caught.value)
    assert not notebook_path(root, "01_tiny").exists()


def test_data_folder_is_made_absolute(root, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", "stick")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(root)
    edit(source_path(root, "01_tiny"), "os.getcwd()", 'os.environ["COURSE_DATA_DIR"], os.environ["MPLBACKEND"]')
    build.build(root, "01_tiny")
    assert (
        outputs(read(root))[1][0].text
        == f"full the default {root / 'stick'} module://matplotlib_inline.backend_inline\n"
    )


def test_check_tells_what_differs(root, no_kernel, capsys):
    assert build.main(["--check"], root) == 1
    assert "01_tiny: has no notebook" in capsys.readouterr().out
    assert build.main([], root) == 0
    assert build.main(["--check"], root) == 0
    capsys.readouterr()
    edit(root / "course_utils" / "two.py", "2", "3")
    assert build.main(["--check"], root) == 0
    assert "01_tiny: warning: its outputs are older" in capsys.readouterr().out
    edit(source_path(root, "01_tiny"), "1 + 1", "1 + 2")
    assert build.main(["--check"], root) == 1
    assert "01_tiny: its notebook differs from the source" in capsys.readouterr().out
    assert no_kernel.runs == 2


def png_cell(picture):
    buffer = io.BytesIO()
    picture.save(buffer, format="png", dpi=(90, 90))
    cell = nbformat.v4.new_code_cell("draw()", metadata={"tags": ["cover"]})
    cell.outputs = [
        nbformat.v4.new_output("display_data", data={"image/png": base64.b64encode(buffer.getvalue()).decode()})
    ]
    return cell


def stored(cell):
    return Image.open(io.BytesIO(base64.b64decode(cell.outputs[0].data["image/png"])))


def test_pictures_are_stored_small_once():
    tones = np.random.default_rng(0).integers(256, size=(400, 3), dtype=np.uint8)
    fine = Image.fromarray(tones[np.random.default_rng(1).integers(400, size=(300, 400))])
    cell = png_cell(fine)
    long = len(cell.outputs[0].data["image/png"])
    shrink_pictures([cell])
    small = stored(cell)
    assert small.mode == "P"
    assert small.size == (400, 300)
    assert round(small.info["dpi"][0]) == 90
    assert (
        np.abs(np.array(small.convert("RGB")).astype(int) - np.array(fine)).mean() < 8
    )  # of random colours, the worst case
    short = cell.outputs[0].data["image/png"]
    assert len(short) < long
    shrink_pictures([cell])
    assert cell.outputs[0].data["image/png"] == short


def test_a_see_through_picture_stays_as_it_is():
    cell = png_cell(Image.new("RGBA", (90, 90), (10, 20, 30, 40)))
    before = cell.outputs[0].data["image/png"]
    shrink_pictures([cell])
    assert cell.outputs[0].data["image/png"] == before


def test_cover_is_written_when_its_pixels_change(root):
    def cover(colour):
        cell = png_cell(Image.new("RGB", (960, 400), colour))
        write_cover(notebook_path(root, "01_tiny"), nbformat.v4.new_notebook(cells=[cell]))

    target = root / "notebooks" / "pictures" / "01_tiny.png"
    cover("red")
    with Image.open(target) as picture:
        assert picture.size == (480, 200)
        assert np.array(picture)[0, 0].tolist() == [255, 0, 0]
    written = target.stat().st_mtime_ns
    cover("red")
    assert target.stat().st_mtime_ns == written
    cover("blue")
    assert target.stat().st_mtime_ns != written


def test_no_cover_no_picture(root, no_kernel):
    build.build(root, "01_tiny")
    assert not (root / "notebooks" / "pictures").exists()


def test_guards_and_minutes_warn_the_author(root, no_kernel, monkeypatch, capsys):
    clock = iter([0.0, 61.0])
    monkeypatch.setattr(build.time, "monotonic", lambda: next(clock))
    build.build(root, "01_tiny")
    printed = capsys.readouterr().out
    assert "warning: its card promises 1 min" in printed
    assert "warning: it has 0 cells tagged cover" in printed


@pytest.mark.parametrize(
    ("name", "message"),
    [("01_tyni", "There is no chapter 01_tyni: did you mean 01_tiny?"), ("99", "There is no chapter 99: did you")],
)
def test_unknown_chapter(root, capsys, name, message):
    assert build.main([name], root) == 1
    assert message in capsys.readouterr().err


def test_no_sources_at_all(root, capsys):
    source_path(root, "01_tiny").unlink()
    assert build.main(["01"], root) == 1
    assert "notebooks/src holds none" in capsys.readouterr().err


def test_broken_notebook_and_source_are_told(root, capsys):
    notebook_path(root, "01_tiny").write_text("no json")
    assert build.main(["01"], root) == 1
    assert "01_tiny.ipynb is not a notebook" in capsys.readouterr().err
    source_path(root, "01_tiny").write_bytes(b"# \xff")
    assert build.main(["01"], root) == 1
    assert "01_tiny: the source is not UTF-8" in capsys.readouterr().err


def test_readme_gets_the_table(root, no_kernel, capsys):
    assert build.main(["01"], root) == 0
    assert "README.md: chapter table renewed" in capsys.readouterr().out
    text = (root / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# R\n<!-- chapters -->\n| ")
    assert text.endswith("\n<!-- /chapters -->\nend\n")
    assert '<img src="notebooks/pictures/01_tiny.png" width="160" alt="Tiny">' in text
    assert "[01 Tiny 小](notebooks/01_tiny.ipynb) | One picture. | 1 | made here |" in text
    assert "pictures/00_start.png" not in text
    assert build.main(["01"], root) == 0
    assert "README.md: up to date" in capsys.readouterr().out
    edit(root / "README.md", "One picture", "Two pictures")
    assert build.main(["--check"], root) == 1
    assert "README.md: its chapter table is stale" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "no markers", "<!-- chapters --> only one"])
def test_readme_without_markers_is_told(root, no_kernel, capsys, text):
    (root / "README.md").unlink()
    if text:
        (root / "README.md").write_text(text)
    assert build.main(["01"], root) == 0
    assert "README.md: chapter table not written" in capsys.readouterr().out
    assert build.main(["--check"], root) == 1
    assert "README.md" in capsys.readouterr().out


def test_map_holds_the_table(root):
    source_path(root, "00_start").write_text("# %% [markdown]\n# {chapters}\n", encoding="utf-8")
    assert read_source(root, "00_start")[0].source == chapter_table(read_chapters(root))
    assert "](01_tiny.ipynb)" in chapter_table(read_chapters(root))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes = 1\n", "", "minutes missing or unknown"),
        ("minutes = 1\n", 'minutes = "1"\n', "minutes must be of type int"),
        ("minutes = 1\n", "minutes = 1\nminuets = 1\n", "minuets missing or unknown"),
        ("[00_start]", "[00_start", "not valid TOML"),
    ],
)
def test_wrong_chapters_toml(root, old, new, message):
    edit(root / "notebooks" / "src" / "chapters.toml", old, new)
    with pytest.raises(BuildError, match=message):
        read_chapters(root)


def test_missing_chapters_toml_or_table(root):
    edit(root / "notebooks" / "src" / "chapters.toml", "[01_tiny]", "[02_tiny]")
    with pytest.raises(BuildError, match=r"no table \[01_tiny\] for its card"):
        read_source(root, "01_tiny")
    shutil.move(root / "notebooks" / "src" / "chapters.toml", root)
    with pytest.raises(BuildError, match="is missing: it holds one table a chapter"):
        read_chapters(root)


def test_card_of_one_verb(root):
    assert card(read_chapters(root)["00_start"]).startswith("- *You will* find the way.\n")


def test_readme_of_this_repository_is_up_to_date():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme_with_table(ROOT) == text, "run python -m tools.build"


def test_chapters_of_this_repository_promise_enough():
    for name, chapter in read_chapters(ROOT).items():
        assert name.startswith(f"{chapter['number']:02}_") or name == "errata"
        assert 3 <= len(chapter["you_will"]) <= 5
        assert 1 <= chapter["minutes"] <= 10
