"""Chapter 01 in JupyterLab as `make study` opens it: it runs to its end, and its demos move where they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from course_utils.demos.gallery import GALLERY
from course_utils.demos.server import free_port
from course_utils.slides.pdf import find_chromium

CHROMIUM = find_chromium()
api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test-browser installs it")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: make test-browser installs it")

WAIT = 120_000  # milliseconds: a kernel starts and imports Paddle, on a machine that may be busy
CHAPTER = "01_convolution.ipynb"
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
STUDY = """
import sys
from pathlib import Path
from course_utils.cli import main
sys.modules["course_utils.cli.study"].repository = lambda: Path.cwd()
main()
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with this chapter alone, so that the student's copies and Jupyter's own notes land elsewhere."""
    root = tmp_path_factory.mktemp("a clone")
    (root / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS / CHAPTER, root / "notebooks")
    return root


@pytest.fixture(scope="module")
def address(clone: Path) -> Iterator[str]:
    """What `course study --no-browser` prints."""
    own = {f"JUPYTER_{kind}_DIR": str(clone / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{kind}_DIR": str(clone / kind.lower()) for kind in ("SETTINGS", "WORKSPACES")}
    run = subprocess.Popen(
        [sys.executable, "-c", STUDY, "study", "--no-browser", "--port", str(free_port())],
        cwd=clone,
        env={**os.environ, **own, "COURSE_PROFILE": "quick", "COURSE_DATA": "sample", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr
    yield next(found[0] for line in run.stderr if (found := re.search(r"http://\S+token=\S+", line)))
    run.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    run.wait(timeout=60)
    run.stderr.close()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """The chapter in JupyterLab; at the end nothing may have gone wrong in it, nor been asked of another machine."""
    wrong = []

    def requested(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in ("localhost", "127.0.0.1"):
            wrong.append(f"asks {request.url}")

    with api.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", requested)
        page.goto(address.replace("00_start.ipynb", CHAPTER))
        yield page
        browser.close()
    assert wrong == []


# Whether the whole notebook is there, each cell with the prompt that is asked for, and its kernel has nothing to do.
READY = """([cells, prompt]) => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
  const status = document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status;
  return status === "idle" && prompts.length === cells && prompts.every(each => each.textContent.match(prompt));
}"""


def run_all(page: Any, cells: int) -> None:
    """Run all through the menu once the kernel has come up, and wait until every cell has its number."""
    page.wait_for_function(READY, arg=[cells, ""])
    page.click('.lm-MenuBar-item:has-text("Run")')
    page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
    page.wait_for_function(READY, arg=[cells, r"\[\d+\]"], timeout=3 * WAIT)


def move(page: Any, stage: Any) -> None:
    """Move the first slider with the keyboard, or set the first number where there is none."""
    slider = stage.locator(".noUi-handle")
    if slider.count():
        slider.first.focus()
        page.keyboard.press("ArrowRight")
    else:
        stage.locator("input[type=number]").first.fill("3")
        page.keyboard.press("Enter")


def saved(page: Any, path: Path) -> list[Any]:
    """The notebook's code cells as JupyterLab writes them."""
    with page.expect_response(lambda answer: answer.request.method == "PUT" and path.name in answer.url):
        page.click('.jp-Toolbar [data-command="docmanager:save"]')
    notebook = json.loads(path.read_bytes())
    assert "widgets" not in notebook["metadata"]
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_chapter_01_runs_to_its_end_and_its_demos_move(clone: Path, page: Any) -> None:
    committed = (NOTEBOOKS / CHAPTER).read_bytes()
    code = [cell for cell in json.loads(committed)["cells"] if cell["cell_type"] == "code"]
    run_all(page, len(code))
    demos = [card for card in GALLERY if card.chapter == "01"]
    assert page.locator(".course-stage").count() == len(demos)
    for card in demos:
        stage = page.locator(".course-stage", has_text=card.sentence)
        stage.scroll_into_view_if_needed()
        picture = stage.locator(".course-picture[src]").element_handle()
        assert picture.evaluate("image => image.decode().then(() => image.clientWidth)") > 600
        before = picture.get_attribute("src")
        move(page, stage)
        page.wait_for_function("([image, before]) => image.src !== before", arg=[picture, before])
        assert stage.locator("[role=alert]").count() == 0
    ran = saved(page, clone / "study" / CHAPTER)
    assert [cell["execution_count"] for cell in ran] == list(range(1, len(code) + 1))
    assert ran[-1]["outputs"]
    assert not [output for cell in ran for output in cell["outputs"] if output["output_type"] == "error"]
    widgets = [cell["source"] for cell in ran if "widget-view" in json.dumps(cell["outputs"])]
    assert ["".join(source) for source in widgets] == [f'demos.show("{card.name}")' for card in demos]
    assert (NOTEBOOKS / CHAPTER).read_bytes() == committed
