"""How fast the classroom demos answer in a browser, and what 2,000 updates leave in a kernel's memory.

    python benchmarks/demo_latency.py browser [NAME ...]
    python benchmarks/demo_latency.py memory [NAME ...]

browser: starts `course demo` and opens each demo by a click on its card in Chromium, 1920 x 1080, headless. Then every
slider that draws another picture at each of its positions is moved there and back by the arrow keys, a number by its
arrow, and on the paper a stroke grows point by point. An update lasts from the event's time stamp to the end of the
new picture's decoding, both by the page's clock; an opening from the click to the first picture, by this program's.
memory: 2,000 updates of each demo in a kernel without a browser, each by its first control; resident memory after the
first picture and after the last, and the kernel's processor time for an update, which a busy machine does not stretch
as it does the clock's. Without names all demos. Each demo is added to results/demo_latency.json,
in place of what stood there. An idle machine is needed for `browser` alone.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from jupyter_client import KernelManager
from playwright.sync_api import Error, Page, sync_playwright

from course_utils.demos.gallery import GALLERY
from course_utils.demos.server import free_port

RESULTS = Path(__file__).parent / "results" / "demo_latency.json"
UPDATES = 36  # of a demo in the browser
MEMORY_UPDATES = 2000
PAUSE = 3_000  # milliseconds in front of the gallery
PATIENCE = 20_000  # milliseconds for a picture
BUSY = psutil.cpu_percent(interval=2)  # per cent of all processors that others take before it begins
# By the beginning of their labels. The other sliders draw the same picture, or a sentence, at some of their positions.
SLIDERS = {
    "convolution_stepper": ["input", "step"],
    "receptive_field": ["layers", "kernel"],
    "speed_race": ["picture", "channels", "measurement"],
    "batch_norm": ["learning rate", "batch size", "seed"],
    "dropout": ["masks drawn", "p of zero"],
    "optimizer_race": ["step", "times"],
    "residual": ["layers", "gain"],
    "screening_threshold": ["threshold", "prevalence"],
}
WATCH = """
() => {
  const of = () => document.querySelector(".course-picture");
  const seen = (event) => { window.asked = event.timeStamp; window.shown = null; };
  for (const kind of ["keydown", "pointermove"]) document.addEventListener(kind, seen, { capture: true });
  new MutationObserver(async () => {
    const source = of().src;
    await of().decode().catch(() => null);
    if (of().src === source && window.shown === null) window.shown = performance.now() - window.asked;
  }).observe(of(), { attributes: true, attributeFilter: ["src"] });
}
"""
SHOWN = """
import asyncio, gc, psutil, time
from course_utils.demos import stage as stages
shown = stages.open_alone({name!r})
shown
"""
MOVED = """
def positions(control):
    if isinstance(getattr(control, "value", None), bytes):
        paper = bytearray(control.value)
        return [bytes(paper[:at] + bytes([255]) + paper[at + 1 :]) for at in range(200, 500)]
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    low, high = getattr(control, "min", -4), getattr(control, "max", 4)
    count = round((high - low) / (control.step or 1))
    return [low + (high - low) * each / count for each in range(count + 1)]

control = next(iter(shown.demo.controls.values()))
values = positions(control)
before = psutil.Process().memory_info().rss
began = time.process_time()
pictures = set()
for update in range({updates}):
    control.value = type(control.value)(values[update % len(values)])
    await asyncio.sleep(2 * stages.WAIT)
    pictures.add(hash(shown.picture.value))
seconds = time.process_time() - began
gc.collect()
print("MEMORY", before, psutil.Process().memory_info().rss, len(pictures), seconds)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("part", choices=["browser", "memory"])
    options.add_argument("names", nargs="*")
    asked = options.parse_args()
    names = asked.names or [card.name for card in GALLERY]
    if asked.part == "browser":
        measure_in_browser(names)
        return
    for name in names:
        store(name, "memory", memory_of(name))


def measure_in_browser(names: list[str]) -> None:
    with sync_playwright() as program:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        browser = program.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.set_default_timeout(PATIENCE)
        began = time.perf_counter()
        with served() as address:
            visit(page, address)
            store("gallery", "browser", {"seconds_from_command": round(time.perf_counter() - began, 2)})
            for name in names:
                page.goto(address)
                page.wait_for_timeout(PAUSE)
                store(name, "browser", answers_of(page, name))
        browser.close()


@contextmanager
def served() -> Iterator[str]:
    """The address of a `course demo` that runs meanwhile."""
    program = "from course_utils.cli import main; main()"
    command = [sys.executable, "-c", program, "demo", "--no-browser", "--port", str(free_port())]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert run.stdout
    try:
        yield re.findall(r"http\S+", run.stdout.readline())[0]
    finally:
        run.send_signal(signal.SIGINT)
        run.wait()


def visit(page: Page, address: str) -> None:
    """Load the page as soon as somebody listens there."""
    while True:
        try:
            page.goto(address)
            return
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            time.sleep(0.02)


def answers_of(page: Page, name: str) -> dict[str, Any]:
    """Open the demo and move its controls: seconds of the opening, milliseconds of each update."""
    began = time.perf_counter()
    page.click(f"[data-demo={name}]")
    page.wait_for_selector(".course-picture[src]")
    page.evaluate("document.querySelector('.course-picture').decode()")
    opened = time.perf_counter() - began
    page.evaluate(WATCH)
    page.wait_for_timeout(500)  # what the page still does after its first picture is not the slider's
    moves = strokes(page) if name == "digit_net" else numbers(page) if name == "kernel_editor" else keys(page, name)
    milliseconds = []
    for _ in moves:
        milliseconds.append(page.wait_for_function("window.shown").json_value())
        page.wait_for_timeout(50)
    low, high = np.quantile(milliseconds, [0.5, 0.95])
    return {
        "seconds_from_click": round(opened, 2),
        "median_ms": round(low),
        "p95_ms": round(high),
        "update_ms": [round(each) for each in milliseconds],
    }


def keys(page: Page, name: str) -> Iterator[None]:
    """Arrow keys on the demo's sliders in turn, from one end towards the other and back."""
    for label in SLIDERS[name]:
        row = page.locator(".widget-inline-hbox").filter(has=page.get_by_text(label, exact=False))
        handle = row.locator(".noUi-handle").first
        handle.focus()
        way = "ArrowRight"
        for _ in range(UPDATES // len(SLIDERS[name])):
            now, low, high = (float(handle.get_attribute(f"aria-value{each}") or 0) for each in ("now", "min", "max"))
            way = "ArrowLeft" if now >= high else "ArrowRight" if now <= low else way
            page.keyboard.press(way)
            yield


def numbers(page: Page) -> Iterator[None]:
    """A weight of the kernel, half a unit up at a time."""
    page.locator("input[type=number]").nth(4).focus()
    for _ in range(UPDATES):
        page.keyboard.press("ArrowUp")
        yield


def strokes(page: Page) -> Iterator[None]:
    """A spiral of one stroke on empty paper, each point of it an update: it always meets white paper."""
    page.get_by_role("button", name="Clear").click()
    box = page.locator("canvas.paper").bounding_box()
    assert box
    for step in range(UPDATES + 1):
        turn, radius = 0.6 * step, 0.05 + 0.37 * step / UPDATES
        x, y = 0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if step:
            yield
        else:
            page.mouse.down()
            page.wait_for_timeout(1000)  # the pen's first dot is a picture too
    page.mouse.up()


def memory_of(name: str) -> dict[str, Any]:
    """Megabytes of a kernel that shows the demo, before and after the updates."""
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        printed.append(content.get("text", "") + "\n".join(content.get("traceback", [])))

    try:
        client.wait_for_ready()
        for code in (SHOWN.format(name=name), MOVED.format(updates=MEMORY_UPDATES)):
            client.execute_interactive(code, output_hook=hear)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    found = re.search(r"MEMORY (\d+) (\d+) (\d+) (\S+)", "".join(printed))
    assert found, "".join(printed)
    before, after, pictures, seconds = map(float, found.groups())
    return {
        "before_mb": round(before / 1e6, 1),
        "after_mb": round(after / 1e6, 1),
        "grown_mb": round((after - before) / 1e6, 1),
        "updates": MEMORY_UPDATES,
        "pictures": int(pictures),
        "processor_ms_of_an_update": round(1000 * seconds / MEMORY_UPDATES),
    }


def store(name: str, part: str, measured: dict[str, Any]) -> None:
    """Add the numbers to the stored ones."""
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    measured |= {"date": datetime.date.today().isoformat(), "busy_before_percent": BUSY}
    measured |= {"machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"}
    measured |= {each: version(each) for each in ("matplotlib", "voila", "ipywidgets")}
    stored.setdefault(name, {})[part] = measured
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(name, {key: value for key, value in measured.items() if isinstance(value, int | float)}, flush=True)


if __name__ == "__main__":
    main()
