"""`course slides NN`: a chapter as slides in one page that opens from disk, and as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from course_utils.cli.handout import find_editions
from course_utils.errors import CourseError
from course_utils.settings import repository

__all__ = ["slides"]


def slides(
    chapter: Annotated[str, typer.Argument(metavar="NN", help="Its number or name: 06 or 06_lenet_digits.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write them; slides/ of the clone where not given.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print them as PDF too, by Chromium, Chrome or Edge.")] = False,
) -> None:
    """Write a chapter as slides: one page with everything in it, which needs no network."""
    clone = repository()
    if clone is None:
        raise CourseError(
            "`course slides` shows the chapters of a clone of the course, and this installation has none: "
            "clone the repository and run `make slides ARGS=NN` in it"
        )
    from course_utils.slides.page import read_notebook, slides_page

    notebooks = clone / "notebooks"
    editions = {path.relative_to(notebooks).as_posix(): path for path in sorted(notebooks.glob("*.ipynb"))}
    path = editions[find_editions(chapter, editions)[0]]
    notebook = read_notebook(path)
    page = slides_page(notebook, notebooks)
    target = (out or clone / "slides") / f"{path.stem}.html"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CourseError(f"{target} could not be written ({error}): name another folder with --out") from None
    print(f"{target}: open it in any browser; F is full screen, S the speaker's view, ? lists the keys")
    if pdf:
        from course_utils.slides.pdf import print_pdf

        print_pdf(slides_page(notebook, notebooks, paper=True), target.with_suffix(".pdf"))
        print(target.with_suffix(".pdf"))
