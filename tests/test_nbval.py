"""What conftest.py promises: nbval's kernels inherit the tests' environment, and compare strictly, under --cov too."""

import os
import shutil
import subprocess
import sys

import nbformat

from tools.notebooks import ROOT

NAMES = ("COURSE_PROFILE", "OMP_NUM_THREADS", "COURSE_DATA_DIR")
SOURCE = f"""import os
from pathlib import Path
print(*(os.environ[name] for name in {NAMES[:2]}), Path(os.environ["COURSE_DATA_DIR"]).is_absolute())"""


def run(folder, *program, **variables):
    outside = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, *program], cwd=folder, env={**outside, **variables}, capture_output=True, text=True
    )


def test_kernels_inherit_the_environment_and_compare(tmp_path):
    """A cell with the right output passes and one with a wrong output fails, as `make test` runs them."""
    cells = [nbformat.v4.new_code_cell(SOURCE, execution_count=count) for count in (1, 2)]
    for cell, stored in zip(cells, ("quick 1 True\n", "quick 9 True\n"), strict=True):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=stored)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "tiny.ipynb")
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    (tmp_path / "test_one.py").write_text("import module\ndef test(): assert module\n")
    (tmp_path / "module.py").write_text("")
    options = ["-n1", "--dist=loadfile", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "--cov=module"]
    result = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, COURSE_DATA_DIR="stick")
    assert "1 failed, 2 passed" in result.stdout, result.stdout + result.stderr
    assert "FAILED tiny.ipynb::Cell 1" in result.stdout
    assert "Cell outputs differ" in result.stdout


def test_what_is_set_already_stays():
    shown = run(
        ROOT, "-c", f"import conftest\n{SOURCE}", COURSE_PROFILE="full", OMP_NUM_THREADS="2", COURSE_DATA_DIR="stick"
    )
    assert shown.stdout == "full 2 True\n", shown.stderr
