"""The classroom demos in a real browser: each opens, moves when a control moves, and asks nobody else for anything."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from course_utils.demos.gallery import GALLERY

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test-browser installs it")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: make test-browser installs it")

WAIT = 90_000  # milliseconds: a kernel starts and imports Paddle, on a machine that may be busy
PICTURE = ".course-picture[src]"


@pytest.fixture(scope="module")
def server():
    """A running `course demo`, with its `address`."""
    program = "from course_utils.cli import main; main()"
    from course_utils.demos.server import free_port

    run = subprocess.Popen(
        [sys.executable, "-c", program, "demo", "--no-browser", "--port", str(free_port())],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    run.address = re.search(r"http\S+", run.stdout.readline())[0]
    yield run
    end(run)
    run.stdout.close()


def end(run):
    """Ctrl-C, where it has not been pressed before."""
    if run.poll() is None:
        run.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
        run.wait(timeout=60)


@pytest.fixture(scope="module")
def gallery(server):
    """The address of its first page."""
    return server.address


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def new_page(browser):
    """Opens pages that note what goes wrong in them, and closes them; `wrong` is the list of it."""
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

    open_page.wrong = wrong
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


def laid_out(page, condition):
    """Wait until the picture's rectangle is as the condition says; raises where it never comes to be."""
    rectangle = f"document.querySelector('{PICTURE}').getBoundingClientRect()"
    page.wait_for_function(f"() => {{ const picture = {rectangle}; return {condition}; }}", timeout=10_000)


@pytest.mark.parametrize("name", [card.name for card in GALLERY])
def test_a_demo_opens_moves_and_fits(gallery, new_page, name):
    page = start(new_page(gallery), name)
    before = source(page)
    move(page)
    moved = changed(page, before)
    page.get_by_role("button", name="Reset").click()
    changed(page, moved)
    assert page.locator("[role=alert]").all_inner_texts() == []
    assert page.locator("details[open]").count() == 0
    laid_out(page, "picture.bottom <= 1080 && picture.width >= 1300")
    page.set_viewport_size({"width": 390, "height": 844})
    laid_out(page, "picture.width > 330 && document.querySelector('#rendered_cells').scrollWidth <= 390")


def test_the_gallery_fits_a_phone(gallery, new_page):
    page = new_page(gallery, 390, 844)
    assert page.locator("[data-demo]").count() == len(GALLERY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


SHOWN = """async () => {
  const bytes = new Uint8Array(await (await fetch(document.querySelector(".course-picture").src)).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
NOTE_PICTURES = """() => {
  const picture = document.querySelector(".course-picture");
  window.blank = 0;
  window.pictures = 0;
  new MutationObserver(() => window.pictures++).observe(picture, { attributes: true, attributeFilter: ["src"] });
  const height = () => picture.getBoundingClientRect().height; // of what is painted: 0 without a picture
  const whole = height();
  const look = () => { if (height() !== whole) window.blank++; requestAnimationFrame(look); };
  look();
}"""


def shown(page, instead_of=None):
    """The picture, once it is another, as base64."""
    if instead_of:
        changed(page, instead_of)
    return page.evaluate(SHOWN)


def kernel(page):
    """The number of the process behind a page: of the server's, that whose connection file has the kernel's id."""
    name = re.search(r'"kernelId": *"([^"]+)"', page.text_content("#jupyter-config-data"))[1]
    found = [each for each in psutil.process_iter() if name in " ".join(command_line(each))]
    return found[0]


def command_line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_two_windows_and_what_remains_of_them(server, new_page):
    """One moves and the other does not; a dragged slider ends at its last picture; who leaves ends his process."""
    one, other = (start(new_page(server.address), "receptive_field") for _ in range(2))
    first, before, untouched = shown(one), source(one), source(other)
    handle = one.locator(".noUi-handle").first
    handle.focus()
    one.keyboard.press("End")
    last, before = shown(one, before), source(one)
    one.get_by_role("button", name="Reset").click()
    assert shown(one, before) == first
    one.evaluate(NOTE_PICTURES)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    one.mouse.move(x, y)
    one.mouse.down()
    for step in range(20):
        one.mouse.move(x + (-1) ** step * (30 + step), y)  # to and fro, and not to the end
        assert handle.get_attribute("aria-valuenow") != "6.0"
    one.mouse.move(x + 900, y)  # beyond the end
    one.mouse.up()
    one.wait_for_function(f"async (last) => await ({SHOWN})() === last", arg=last, timeout=WAIT)
    assert one.evaluate("window.pictures") <= 21, "each event at most has a picture"
    one.wait_for_timeout(1000)
    assert shown(one) == last, "an old picture came after the last"
    assert one.evaluate("window.blank") == 0, "a frame showed no picture"
    assert source(other) == untouched
    left = kernel(one)
    one.goto(server.address)
    left.wait(timeout=60)


def test_a_text_file_for_a_picture_gets_a_sentence(gallery, new_page):
    page = start(new_page(gallery), "kernel_editor")
    file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    with page.expect_file_chooser() as asked:
        page.get_by_role("button", name="Open a picture").click()
    asked.value.set_files(file)
    page.wait_for_selector("[role=alert]", timeout=WAIT)
    assert "notes.txt is no picture that can be read" in page.inner_text("[role=alert]")


def test_when_the_process_or_the_server_ends_the_page_says_so(server, new_page):
    """The last test here: it ends the server."""
    page = start(new_page(server.address), "residual")
    kernel(page).kill()
    page.wait_for_selector("[role=alert]", timeout=WAIT)
    assert page.inner_text("[role=alert]") == "The process behind this demo has ended: reload the page."
    assert page.evaluate("getComputedStyle(document.querySelector('.course-picture')).opacity") == "0.35"
    page.reload()
    page.wait_for_selector(PICTURE, timeout=WAIT)
    page.wait_for_timeout(3000)
    assert page.locator("[role=alert]").count() == 0
    assert new_page.wrong == []
    end(server)
    page.wait_for_selector("[role=alert]", timeout=WAIT)
    assert page.inner_text("[role=alert]") == "The server has ended: start `course demo` again."
    assert page.evaluate("getComputedStyle(document.querySelector('.course-picture')).opacity") == "0.35"
    page.goto("about:blank")  # it would go on asking
    assert [each for each in new_page.wrong if "ERR_CONNECTION" not in each and "WebSocket" not in each] == []
    new_page.wrong.clear()
