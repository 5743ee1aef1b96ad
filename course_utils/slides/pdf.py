"""Slides as PDF: Chromium prints them from a page for paper, which needs no script.

(It prints `?print-pdf` of the page for the screen too, but often before reveal.js has laid it out.)
"""

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


def print_pdf(page: str, target: Path) -> None:
    """Print the HTML of slides for paper to `target`, one slide a page.

    Raises CourseError where no Chromium is found, where it does not print, and where `target` cannot be written.
    """
    chromium = find_chromium()
    if chromium is None:
        raise CourseError(
            f"no Chromium, Chrome or Edge was found to print {target.name}: install one, or leave out --pdf"
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, part = Path(folder) / "slides.html", Path(folder) / "slides.pdf"
        source.write_text(page, encoding="utf-8", newline="\n")
        command = [chromium, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={part}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container: Chromium's sandbox refuses to run as root
            command.append("--no-sandbox")
        try:
            run = subprocess.run(
                [*command, source.as_uri()], capture_output=True, text=True, timeout=SECONDS, check=False
            )
            said = run.stderr.strip().splitlines()[-1:] or [f"it ended with status {run.returncode}"]
        except (OSError, subprocess.TimeoutExpired) as error:
            said = [str(error)]
        if not part.is_file() or not part.read_bytes().startswith(b"%PDF"):
            raise CourseError(
                f"{Path(chromium).name} did not print {target.name} ({said[0]}): leave out --pdf, and print "
                "from the browser"
            )
        try:
            shutil.copyfile(part, target)
        except OSError as error:
            raise CourseError(f"{target} could not be written ({error}): name another folder with --out") from None
