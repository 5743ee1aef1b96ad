"""The classroom demos in a real browser: each opens, moves when a control moves, and asks nobody else for anything."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from course_utils.demos.gallery import GALLERY

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test-browser installs it")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: make test-browser installs it")

WAIT = 90_000  # milliseconds: a kernel starts and imports Paddle, on a machine that may be busy
PICTURE = ".course-picture[src]"


@pytest.fixture(scope="module")
def gallery():
    """The address of a running `course demo`."""
    program = "from course_utils.cli import main; main()"
    from course_utils.demos.server import free_port

    run = subprocess.Popen(
        [sys.executable, "-c", program, "demo", "--no-browser", "--port", str(free_port())],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield re.search(r"http\S+", run.stdout.readline())[0]
    run.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    run.wait(timeout=60)
    run.stdout.close()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def new_page(browser):
    """Opens pages that note what goes wrong in them, and closes them."""
    pages, wrong = [], []

    def requested(request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in ("localhost", "127.0.0.1"):
            wrong.append(f"asks {request.url}")

    def open_page(address, width=1920, height=1080):
        page = browser.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", requested)
        for _ in range(100):  # the server says its address just before it listens there
            try:
                page.goto(address, timeout=WAIT)
                break
            except playwright.Error as error:
                if "ERR_CONNECTION_REFUSED" not in str(error):
                    raise
                page.wait_for_timeout(100)
                wrong.clear()
        return page

    yield open_page
    for page in pages:
        page.close(run_before_unload=False)
    assert wrong == []


def start(page, name):
    """Open a demo from the gallery, by one click on its card."""
    page.click(f"[data-demo={name}]")
    page.wait_for_selector(PICTURE, timeout=WAIT)
    return page


def source(page):
    return page.get_attribute(PICTURE, "src")


def changed(page, before):
    """Wait for another picture; its address changes only when it does."""
    page.wait_for_function(
        "([query, before]) => document.querySelector(query)?.src != before", arg=[PICTURE, before], timeout=WAIT
    )
    return source(page)


def move(page):
    """Move the first slider or number with the keyboard, or draw where there is neither."""
    slider, number, paper = (page.locator(query) for query in (".noUi-handle", "input[type=number]", "canvas.paper"))
    if slider.count():
        slider.first.focus()
        page.keyboard.press("ArrowRight")
    elif number.count():
        number.first.fill("3")
        number.first.press("Enter")
    else:
        box = paper.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8, steps=3)
        page.mouse.up()


@pytest.mark.parametrize("name", [card.name for card in GALLERY])
def test_a_demo_opens_moves_and_fits(gallery, new_page, name):
    page = start(new_page(gallery), name)
    before = source(page)
    move(page)
    moved = changed(page, before)
    page.get_by_role("button", name="Reset").click()
    changed(page, moved)
    assert page.locator("[role=alert]").count() == 0
    assert page.locator("details[open]").count() == 0
    picture = page.locator(PICTURE).bounding_box()
    assert picture["y"] + picture["height"] <= 1080
    assert picture["width"] >= 1300
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator(PICTURE).bounding_box()["width"] > 330
    assert page.evaluate("document.querySelector('#rendered_cells').scrollWidth") <= 390


def test_the_gallery_fits_a_phone(gallery, new_page):
    page = new_page(gallery, 390, 844)
    assert page.locator("[data-demo]").count() == len(GALLERY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_windows_do_not_disturb_each_other(gallery, new_page):
    one, other = (start(new_page(gallery), "receptive_field") for _ in range(2))
    before, untouched = source(one), source(other)
    move(one)
    changed(one, before)
    assert source(other) == untouched


def test_a_text_file_for_a_picture_gets_a_sentence(gallery, new_page):
    page = start(new_page(gallery), "kernel_editor")
    file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    with page.expect_file_chooser() as asked:
        page.get_by_role("button", name="Open a picture").click()
    asked.value.set_files(file)
    page.wait_for_selector("[role=alert]", timeout=WAIT)
    assert "notes.txt is no picture that can be read" in page.inner_text("[role=alert]")
