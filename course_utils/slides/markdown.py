"""Markdown and code of a notebook as HTML that needs no script: formulas become MathML."""

from __future__ import annotations

import re
from pathlib import Path

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

__all__ = ["highlight", "mathml", "render"]

THIN = '<mspace width="0.17em"/>'
NAMES = "<mi>(?:exp|ln|log|max|min|tanh)</mi>"
BEFORE = re.compile(rf"{NAMES}(?=<m(?!o))")  # what follows is no bracket
BEHIND = re.compile(rf"(</m(?:frac|i|n|sub|subsup|sup)>)({NAMES})")


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas converted and links to other notebooks as plain text."""

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A slide deck has no neighbours: only addresses in the web stay links."""
        return str(super().link(text, url, title)) if url.startswith(("https:", "http:")) else text


def mathml(tex: str, display: str = "inline") -> str:
    """A formula of TeX as MathML; display: "inline" or "block"."""
    tex = re.sub(r"(\\(?:begin|end)){aligned}", r"\1{align*}", tex)  # the one of the two that latex2mathml knows
    markup = str(convert(tex, display=display))
    for name in (r"\lVert", r"\rVert", r"\|"):  # behind \Big, latex2mathml leaves them as they are
        markup = markup.replace(f">{name}<", ">&#x2016;<")
    markup = markup.replace("<mi>&#x000B1;</mi>", "<mo>&#x000B1;</mo>")  # an operator has space around it
    return BEFORE.sub(rf"\g<0>{THIN}", BEHIND.sub(rf"\1{THIN}\2", markup))


def render(text: str, folder: Path) -> str:
    """Markdown as HTML; pictures that lie in `folder` are embedded."""
    renderer = _Renderer(escape=False, embed_images=True, exclude_anchor_links=True, path=str(folder))
    html = MarkdownWithMath(renderer=renderer).render(text)
    return re.sub(r"<math(?:(?!<math).)*?</math>[,.;:?!)]+", r'<span class="whole">\g<0></span>', html, flags=re.DOTALL)


def highlight(code: str) -> str:
    """Python code as HTML, coloured by classes of Pygments."""
    from pygments import highlight as colour
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(colour(code, PythonLexer(), HtmlFormatter(nowrap=True)))
