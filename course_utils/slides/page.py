"""Slides as one page that needs nothing beside it: reveal.js inside, formulas as MathML, pictures embedded."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.slides.deck import deck
from course_utils.slides.packing import Slide
from course_utils.slides.pieces import Piece

__all__ = ["read_notebook", "slides_page"]

SIZE = (1280, 720)  # of a slide, before reveal.js scales it to the screen
NEEDED = {"sphinx_revealjs": "sphinx-revealjs", "latex2mathml": "latex2mathml", "nbconvert": "nbconvert"}


def read_notebook(path: Path) -> Any:
    """An executed notebook.

    Raises CourseError where the file is no notebook, and where one of its code cells was not executed.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:  # NotJSONError is a ValueError
        raise CourseError(f"{path.name} could not be read as a notebook ({error}): take a fresh one") from None
    name = path.stem
    if any(cell.source.strip() and not cell.execution_count for cell in notebook.cells if cell.cell_type == "code"):
        raise CourseError(
            f"{name} is not executed, so its slides would show no results: run `make build ARGS={name}` first"
        )
    return notebook


def slides_page(notebook: Any, folder: Path, paper: bool = False) -> str:
    """The slides as HTML; folder: where the notebook lies, for the pictures that its text names.

    paper: without reveal.js, laid out to be printed a slide a page, a slide with an answer once before it as well.
    Raises CourseError where a package is missing that slides need and chapters do not.
    """
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise CourseError(
            f"slides need {' and '.join(missing)}: run `make slides ARGS=NN`, which installs what is missing, or "
            "`python -m pip install -c constraints.txt -e '.[author]'`"
        )
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    from course_utils.slides.markdown import render

    sections = [_on_paper(section) for section in deck(notebook)] if paper else deck(notebook)
    environment = Environment(autoescape=True, loader=PackageLoader("course_utils", "slides"))
    environment.filters["markdown"] = lambda text: Markup(render(text, folder))
    environment.filters["html"] = lambda piece: Markup(_html(piece, folder))
    first = next((cell.source for cell in notebook.cells if cell.source.startswith("# ")), "# Slides")
    return environment.get_template("slides.html.j2").render(
        title=first.splitlines()[0].removeprefix("# "),
        sections=sections,
        paper=paper,
        answers=_answers,
        styles=_styles(paper),
        scripts=[] if paper else _scripts(),
        width=SIZE[0],
        height=SIZE[1],
    )


def _on_paper(section: list[Slide]) -> list[Slide]:
    """The slides of a section, each that holds back an answer preceded by itself without it."""
    slides = []
    for slide in section:
        asking = [piece for piece in slide.pieces if not piece.fragment]
        if len(asking) < len(slide.pieces):
            slides.append(replace(slide, pieces=asking))
        slides.append(slide)
    return slides


def _answers(slide: Slide) -> list[Piece]:
    """What the slide holds back, for the speaker's view."""
    return [replace(piece, fragment=False) for piece in slide.pieces if piece.fragment]


def _html(piece: Piece, folder: Path) -> str:
    from course_utils.slides.markdown import highlight, render

    fragment = " fragment" if piece.fragment else ""
    if piece.kind == "picture":
        return f'<figure class="{fragment.strip()}"><img src="{piece.text}" alt="figure"></figure>'
    if piece.kind == "output":
        style = f"font-size:{piece.size:g}px;white-space:pre-wrap"  # for the speaker's view, which has no style of ours
        return f'<pre class="output{fragment}" style="{style}">{escape(piece.text)}</pre>'
    if piece.kind in ("code", "folded"):
        code = f'<pre class="highlight" style="font-size:{piece.size:g}px">{highlight(piece.text)}</pre>'
        return code if piece.kind == "code" else f'<details class="code"><summary>code</summary>{code}</details>'
    if piece.kind == "html":
        return f'<div class="html">{piece.text}</div>'
    if piece.kind == "notes":
        return f'<aside class="notes">{render(piece.text, folder)}</aside>'
    return f'<div class="{piece.kind}{fragment}">{render(piece.text, folder)}</div>'


def _reveal(path: str) -> str:
    """A file of reveal.js, from the package that ships it (which is not imported), without its source map."""
    spec = importlib.util.find_spec("sphinx_revealjs")
    assert spec is not None
    assert spec.submodule_search_locations
    text = (Path(spec.submodule_search_locations[0]) / "_static" / "revealjs" / path).read_text(encoding="utf-8")
    return re.sub(r"(//|/\*)# sourceMappingURL=.*", "", text)


def _styles(paper: bool) -> list[str]:
    from pygments.formatters import HtmlFormatter

    own = (Path(__file__).parent / "slides.css").read_text(encoding="utf-8")
    theirs = ["dist/reset.css"] if paper else ["dist/reset.css", "dist/reveal.css"]
    return [*map(_reveal, theirs), HtmlFormatter().get_style_defs(".highlight"), own]


def _scripts() -> list[str]:
    """reveal.js, its speaker's view and its zoom; a closing tag in a string of theirs must not end the script."""
    paths = ("dist/reveal.js", "plugin/notes/notes.js", "plugin/zoom/zoom.js")
    return [_reveal(path).replace("</script", "<\\/script") for path in paths]
