"""Slides as PDF: Chromium prints the page as reveal.js lays it out for paper."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from course_utils.errors import CourseError

__all__ = ["find_chromium", "print_pdf"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
ELSEWHERE = (  # browsers that put nothing on the PATH
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
SECONDS = 180


def find_chromium() -> str | None:
    """The first Chromium, Chrome or Edge of this machine, or None."""
    found = (shutil.which(name) for name in (*NAMES, *ELSEWHERE))
    return next((path for path in found if path), None)


def print_pdf(page: Path, target: Path) -> None:
    """Print slides that lie in `page` to `target`, one slide a page, and one more for each answer that waits for a key.

    Raises CourseError where no Chromium is found, and where it does not print.
    """
    chromium = find_chromium()
    address = f"{page.absolute().as_uri()}?print-pdf"
    by_hand = f"open {address} in a Chromium-based browser and print it to a file"
    if chromium is None:
        raise CourseError(f"no Chromium, Chrome or Edge was found to write the PDF: install one, or {by_hand}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        part = Path(folder) / "slides.pdf"
        command = [chromium, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000", f"--print-to-pdf={part}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container: Chromium's sandbox refuses to run as root
            command.append("--no-sandbox")
        try:
            run = subprocess.run([*command, address], capture_output=True, text=True, timeout=SECONDS, check=False)
            said = run.stderr.strip().splitlines()[-1:] or [f"it ended with status {run.returncode}"]
        except (OSError, subprocess.TimeoutExpired) as error:
            said = [str(error)]
        if not part.is_file() or not part.read_bytes().startswith(b"%PDF"):
            raise CourseError(f"{Path(chromium).name} did not write the PDF ({said[0]}): {by_hand}")
        try:
            shutil.copyfile(part, target)
        except OSError as error:
            raise CourseError(f"{target} could not be written ({error}): name another folder with --out") from None
