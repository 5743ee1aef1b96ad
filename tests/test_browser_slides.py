"""Slides in a real browser: opened from disk with the network off, they can be gone through and nothing is cut off.

COURSE_SLIDES=all in the environment looks at every chapter instead of two.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course_utils.slides.deck import deck
from course_utils.slides.page import read_notebook, slides_page
from course_utils.slides.pdf import find_chromium, print_pdf

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium, Chrome or Edge was found")

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CHAPTERS = ["01_convolution", "04_batchnorm_and_dropout"]
if os.environ.get("COURSE_SLIDES") == "all":
    CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
NO_SANDBOX = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []

# Of the slide that is shown: its text, its pictures and those not seen whole, by how many pixels it must be scrolled or
# its blocks reach out, and the smallest letters in pixels of a screen of 1080 lines (an index of an index may be less).
LOOK = """() => {
  const slide = Reveal.getCurrentSlide(), body = slide.querySelector('.body');
  const inside = box => box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
  const wide = block => block.scrollWidth - block.clientWidth;
  const shown = (part) => !part.closest('details, aside, annotation');
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const sizes = [];
  while (texts.nextNode()) {
    const part = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && shown(part) && !part.closest('math'))
      sizes.push(parseFloat(getComputedStyle(part).fontSize) * Reveal.getScale() * 1080 / innerHeight);
  }
  const seen = image => image.complete && image.naturalWidth > 0 && image.clientHeight >= 150
    && inside(image.getBoundingClientRect());
  return {
    text: body.innerText.trim(),
    pictures: body.querySelectorAll('figure img').length,
    unseen: [...body.querySelectorAll('figure img')].filter(image => !seen(image)).length,
    below: body.scrollHeight - body.clientHeight,
    beside: Math.max(0, ...[...body.querySelectorAll('pre, .equation')].filter(shown).map(wide)),
    out: [...body.querySelectorAll('p, li, pre, table, math')].filter(shown)
      .filter(block => block.getBoundingClientRect().right > innerWidth + 1).length,
    letters: Math.min(99, ...sizes),
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=NO_SANDBOX)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("my slides")
    for name in CHAPTERS:
        page = slides_page(read_notebook(NOTEBOOKS / f"{name}.ipynb"), NOTEBOOKS)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", CHAPTERS)
def test_every_slide_is_whole_without_a_network(browser: Any, folder: Path, name: str, size: tuple[int, int]) -> None:
    context = browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True)), offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url)
    )
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    assert page.evaluate("Reveal.getTotalSlides()") > 12
    pictures = 0
    for h, v in page.evaluate("Reveal.getSlides().map(slide => Reveal.getIndices(slide)).map(at => [at.h, at.v])"):
        page.evaluate(f"Reveal.slide({h}, {v}, 9)")
        found = page.evaluate(LOOK)
        pictures += found["pictures"]
        if not found["text"] and not found["pictures"]:
            wrong.append(f"slide {h}/{v} is empty")
        if found["unseen"] or found["out"] or found["below"] > 2 or found["beside"] > 2 or found["letters"] < 19.5:
            wrong.append(f"slide {h}/{v}: {found}")
    assert wrong == []
    assert pictures >= 1
    context.close()


def test_keys_go_on_and_bring_the_answer(browser: Any, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "01_convolution.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    while not page.evaluate("Reveal.getCurrentSlide().querySelector('.predict')"):
        before = page.evaluate("Reveal.getProgress()")
        page.keyboard.press("Space")
        assert page.evaluate("Reveal.getProgress()") > before
    answer = page.locator("section.present section.present pre.fragment")
    assert not answer.evaluate("answer => answer.classList.contains('visible')")
    page.keyboard.press("Space")
    assert answer.evaluate("answer => answer.classList.contains('visible')")
    page.locator("section.present section.present details.code summary").click()
    assert page.locator("section.present section.present details.code pre").is_visible()
    page.close()


def test_the_speaker_sees_the_answer_before_the_class(browser: Any, folder: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((folder / "01_convolution.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    view = opened.value
    view.wait_for_selector("iframe >> nth=1")
    while not page.evaluate("Reveal.getCurrentSlide().querySelector('.predict')"):
        page.keyboard.press("Space")
    view.wait_for_function("document.querySelector('.speaker-controls-notes .value').innerText.includes('Answer')")
    at = page.evaluate("Reveal.getIndices()")
    view.keyboard.press("Space")
    page.wait_for_function(f"JSON.stringify(Reveal.getIndices()) !== `{json.dumps(at, separators=(',', ':'))}`")
    context.close()


def test_a_phone_held_upright_shows_slides_of_its_shape(browser: Any, folder: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, offline=True)
    page = context.new_page()
    page.goto((folder / "01_convolution.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    assert page.evaluate("Reveal.getScale()") >= 0.6  # text of 28 pixels is 17 there
    hidden = page.evaluate(
        "[...document.querySelectorAll('.body')].filter(body => body.scrollWidth > body.clientWidth + 1)"
    )
    assert hidden == []
    context.close()


def test_the_pdf_has_a_page_for_each_slide_and_each_answer(folder: Path) -> None:
    sections = deck(notebook := read_notebook(NOTEBOOKS / "01_convolution.ipynb"))
    slides = [slide for section in sections for slide in section]
    answered = [slide for slide in slides if any(piece.fragment for piece in slide.pieces)]
    assert answered
    print_pdf(slides_page(notebook, NOTEBOOKS, paper=True), folder / "01.pdf")
    counts = re.findall(rb"/Count (\d+)", (folder / "01.pdf").read_bytes())  # of the tree of pages, and of its branches
    assert max(map(int, counts)) == len(slides) + len(answered)
