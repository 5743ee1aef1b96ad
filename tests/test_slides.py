"""`course slides`: which slides a chapter becomes, and that the page needs nothing beside it."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from course_utils.cli import main
from course_utils.errors import CourseError
from course_utils.slides import page as page_module
from course_utils.slides import pdf as pdf_module
from course_utils.slides.deck import deck
from course_utils.slides.packing import TEXT_LINES
from course_utils.slides.page import read_notebook, slides_page
from course_utils.slides.pieces import CAPACITY, LEAST, Piece, markdown_blocks, monospace
from course_utils.slides.tables import parted

ROOT = Path(__file__).parent.parent
command = sys.modules["course_utils.cli.slides"]
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![$\\])\$([^$]+?)\$", re.DOTALL)


def png(width: int = 40, height: int = 20, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def text(source: str, *tags: str):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)} if tags else {})


def code(source: str, *tags: str, printed: str = "", **data: str):
    outputs = [nbformat.v4.new_output("stream", text=printed)] if printed else []
    if data:
        named = {kind.replace("__", "/").replace("_", "-"): value for kind, value in data.items()}
        outputs.append(nbformat.v4.new_output("execute_result", {"text/plain": "result", **named}, execution_count=1))
    metadata = {"tags": list(tags)} if tags else {}
    return nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=1, metadata=metadata)


SETUP = code("run = settings.setup()", printed="01_made · seed 1\n")


def notebook(*cells):
    return nbformat.v4.new_notebook(
        cells=[text("# Made (造)\n\nOne sentence."), text("- *You will* see."), SETUP, *cells]
    )


def kinds(made) -> list[list[list[str]]]:
    return [[[piece.kind for piece in slide.pieces] for slide in section] for section in deck(made)]


class TestDeck:
    def test_the_title_takes_sentence_and_card_and_no_setup(self):
        assert kinds(notebook()) == [[["markdown"] * 3]]
        assert deck(notebook())[0][0].title

    def test_headings_begin_sections_and_slides(self):
        made = notebook(text("## 1 First\n\nOne.\n\n### Below\n\nTwo.\n## 2 Second\nThree."))
        sections = deck(made)[1:]
        assert [[slide.heading for slide in section] for section in sections] == [["1 First"] * 2, ["2 Second"]]
        assert [piece.text for piece in sections[0][1].pieces] == ["### Below", "Two."]

    def test_a_picture_begins_a_slide_and_takes_one_paragraph(self):
        picture = code("plot()", image__png=png(), printed="a word\n2 axes · 3 lines · 0f3c5a9e17d2b840\n")
        slides = kinds(notebook(text("## 1\n\nBefore."), picture, text("We see.\n\nMore.")))[1]
        assert slides == [["markdown", "markdown"], ["folded", "picture", "output", "markdown"], ["markdown"]]
        assert deck(notebook(picture))[1 - 1][1].pieces[2].text == "a word"

    def test_each_further_picture_has_a_slide(self):
        cell = code("plot()", image__png=png())
        cell.outputs.append(nbformat.v4.new_output("display_data", {"image/jpeg": png(kind="JPEG")}))
        assert kinds(notebook(cell))[0][1:] == [["folded", "picture"], ["picture"]]

    def test_a_question_stands_alone_until_its_answer_is_called(self):
        made = notebook(
            text("## 1\n\nBefore.\n\n**Predict first:** which?"), code("print(3)", printed="3\n"), text("So.")
        )
        before, question, after = deck(made)[1]
        assert [piece.kind for piece in question.pieces] == ["predict", "folded", "output"]
        assert [piece.fragment for piece in question.pieces] == [False, False, True]
        assert [piece.text for piece in before.pieces + after.pieces] == ["## 1", "Before.", "So."]

    def test_code_that_prepares_the_answer_does_not_give_it(self):
        question = text("**Predict first:** which?")
        made = notebook(question, code("a = 1"), code("a", printed="1\n"))
        assert kinds(made)[0][1] == ["predict", "folded", "output"]

    def test_a_picture_that_answers_has_its_own_slide(self):
        made = notebook(text("**Predict first:** which?"), code("plot()", image__png=png()))
        assert kinds(made)[0][1:] == [["predict"], ["folded", "picture"]]

    def test_definitions_are_shown_and_the_rest_of_their_cell_is_folded(self):
        body = '@kept\ndef f(x):\n    """Doc."""\n    y = x\n    return y'
        slides = deck(notebook(code(f"a = 1\n\n\n{body}\n\n\nprint(f(a))", printed="1\n")))[0]
        assert [(piece.kind, piece.text) for piece in slides[1].pieces[:1]] == [("code", body)]
        assert [piece.kind for piece in slides[1].pieces] == ["code", "folded", "output"]

    def test_short_definitions_magics_and_silent_code_are_not(self):
        made = notebook(
            code("def f():\n    return 1"), code("%matplotlib inline"), code("import numpy as np\nassert np")
        )
        assert len(kinds(made)[0]) == 1

    def test_the_last_paragraph_introduces_what_is_printed(self):
        long = "word " * 120
        slides = kinds(notebook(text(f"## 1\n\n{long}\n\nIt prints"), code("print(1)", printed="1\n" * 12)))[1]
        assert slides == [["markdown", "markdown"], ["markdown", "folded", "output"]]

    def test_tags_override(self):
        made = notebook(
            text("## 1\n\nOne."),
            text("Left out.", "skip"),
            code("draw()", "demo", printed="x\n"),
            text("Two.", "subslide"),
            text("Three.", "slide"),
            text("Say this.", "notes"),
        )
        assert kinds(made)[1:] == [[["markdown", "markdown"], ["markdown"]], [["markdown", "notes"]]]

    def test_a_demo_becomes_the_command_that_opens_it(self):
        cells = (
            text("## 1\n\nMove it yourself:"),
            code('demos.show("batch_norm")', "demo"),
            text("Two:"),
            code("x", "demo"),
        )
        slide = deck(notebook(*cells, text("**Predict first:** three?")))[1][0]
        assert [piece.text for piece in slide.pieces] == [
            "## 1",
            "Move it yourself:",
            "`course demo batch_norm`",
            "Two:",
        ]

    def test_tags_work_before_any_heading(self):
        made = nbformat.v4.new_notebook(cells=[text("One."), text("Two.", "subslide"), text("3", "slide")])
        assert kinds(made) == [[["markdown"], ["markdown"]], [["markdown"]]]

    def test_widgets_are_left_out_and_other_results_are_printed(self):
        widget = code("w", application__vnd_jupyter_widget_view=png())
        table = code("t", text__html="<table><tr><th>a</th></tr><tr><td>1</td></tr></table>")
        moving = code("g", text__html=f'<img src="data:image/gif;base64,{png(kind="GIF")}" alt="moves">')
        plain = code("1", image__png="")
        plain.outputs[0].data.pop("image/png")
        assert kinds(notebook(text("## 1"), widget, table, plain, moving))[1] == [
            ["markdown", "folded", "html", "folded", "output"],
            ["folded", "picture"],
        ]

    def test_no_slide_is_overfull(self):
        words = "word " * 100
        slides = deck(notebook(text("## 1\n\n" + "\n\n".join([words] * 7))))[1]
        assert len(slides) > 3
        assert all(slide.lines <= TEXT_LINES + 2 for slide in slides)

    def test_text_stands_beside_a_narrow_picture(self):
        picture = code("plot()", image__png=png(400, 400), printed="3 of 4\n")
        slide = deck(notebook(text("## 1"), picture, text(f"We see {'words ' * 40}.")))[1][0]
        above, shown, side = slide.columns
        assert [[piece.kind for piece in pieces] for pieces in (above, shown, side)] == [
            ["markdown", "folded"], ["picture"], ["output", "markdown"],
        ]  # fmt: skip
        wide = code("plot()", image__png=png(400, 400), printed=f"{'x' * 90}\n")
        assert deck(notebook(text("## 1"), wide))[1][0].columns[1] == []
        assert deck(notebook(text("## 1"), code("plot()", image__png=png(800, 400))))[1][0].columns[1] == []

    def test_a_few_lines_join_the_slide_before(self):
        words = "word " * 150
        assert len(deck(notebook(text(f"## 1\n\n{words}\n\n{'word ' * 30}")))[1]) == 1
        assert len(deck(notebook(text(f"## 1\n\n{words}"), text("word " * 30, "subslide")))[1]) == 2
        assert len(deck(notebook(text(f"## 1\n\n{words}\n\n{'word ' * 100}")))[1]) == 2

    def test_an_answer_without_its_question_does_not_wait(self):
        made = notebook(text("## 1\n\n**Predict first:** which?"), code("print(3)", printed="3\n" * 22))
        assert [[piece.fragment for piece in slide.pieces] for slide in deck(made)[1]] == [[False] * 2, [False] * 2]

    def test_a_long_introduction_to_a_question_is_smaller_type(self):
        made = notebook(text(f"{'word ' * 70}**Predict first:** which?"), code("print(3)", printed="3\n"))
        assert kinds(made)[0][1] == ["markdown", "predict", "folded", "output"]

    def test_long_functions_have_slides_of_their_own(self):
        one = "def f():\n" + "    a = 1\n" * 14
        slides = deck(notebook(code(f"{one}\n\n{one}")))[0]
        assert [[piece.kind for piece in slide.pieces] for slide in slides[1:]] == [["code"], ["code"]]

    def test_a_long_table_begins_below_its_heading(self):
        rows = "".join(f"<tr><td>{row}</td></tr>" for row in range(40))
        made = notebook(text("## 1"), code("t", text__html=f"<table><tr><th>n</th></tr>{rows}</table>"))
        assert kinds(made)[1] == [["markdown", "folded", "html"], ["html"], ["html"]]

    def test_what_is_too_much_together_is_parted(self):
        chain = "\n\n".join([f"{'word ' * 90}:"] * 3 + ["End."])
        assert len(deck(notebook(text("## 1"), text(chain)))[1]) > 1


class TestPieces:
    def test_neither_formulas_nor_code_are_torn(self):
        source = "A:\n\n$$x\n\n= 1$$\n\n```\n# a\n\nb\n```\n\nEnd."
        assert [piece.text for piece in markdown_blocks(source)] == ["A:", "$$x\n\n= 1$$", "```\n# a\n\nb\n```", "End."]
        assert markdown_blocks("") == []

    def test_a_formula_keeps_its_sentences(self):
        assert [piece.keep for piece in markdown_blocks("So\n\n$$x$$\n\nwhere $x$ is.\n\n$$y$$\n\nEnd.")] == [
            True, True, True, False, False,
        ]  # fmt: skip

    def test_folded_questions_open(self):
        pieces = markdown_blocks("<details><summary>Why\nso?</summary>Because\n$x$.</details>")
        assert [(piece.kind, piece.text, piece.fragment) for piece in pieces] == [
            ("question", "Why so?", False),
            ("answer", "Because $x$.", True),
        ]

    def test_long_lists_are_parted_between_items(self):
        items = [f"- {'word ' * 40}" for _ in range(5)]
        assert len(markdown_blocks("\n".join(items))) == 5
        assert len(markdown_blocks("- a\n- b")) == 1

    def test_type_is_as_large_as_fits(self):
        assert monospace("code", "x").size > monospace("code", "x" * 90).size > monospace("code", "x\n" * 40).size
        assert monospace("code", "x" * 500).size == LEAST["code"]
        assert monospace("output", "x" * 500).size == LEAST["output"]
        assert monospace("output", "x" * 500).lines > 2 * monospace("output", "x" * 90).lines
        assert monospace("output", "").lines > 0
        assert monospace("output", "卷" * 60).size < monospace("output", "x" * 60).size

    def test_tables_are_parted_between_rows(self):
        rows = "".join(f"<tr><td>{row}</td><td>{'word ' * 30}</td></tr>" for row in range(20))
        table = Piece("html", f"<table><tr><th>n</th><th>what</th></tr>{rows}</table>")
        parts = parted(table, CAPACITY)
        assert len(parts) > 1
        assert parted(table, 8)[0].lines <= 8
        assert len(parted(table, 2)) == len(parts)  # where no row fits, they begin on the next slide
        assert all("<th>what</th>" in part.text and part.lines <= CAPACITY for part in parts)
        assert "".join(re.sub(r".*?</th></tr>|</table>", "", part.text) for part in parts) == rows

    def test_columns_are_as_wide_as_they_say_or_want(self):
        row = f"<tr><td>1</td><td>{'word ' * 60}</td></tr>"
        free = Piece("html", f"<table>{row}</table>")
        given = Piece(
            "html", f'<table><colgroup><col style="width:50%"><col style="width:50%"></colgroup>{row}</table>'
        )
        assert parted(given, CAPACITY)[0].lines > 1.5 * parted(free, CAPACITY)[0].lines

    def test_markdown_tables_too(self):
        rows = "\n".join(f"| {row} | <img src='a.png'> |" for row in range(9))
        (table,) = markdown_blocks(f"| a | b |\n| --- | --- |\n{rows}")
        parts = parted(table, CAPACITY)
        assert len(parts) == 3
        assert all(part.text.startswith("| a | b |\n| --- | --- |\n| ") for part in parts)


def outside(html: str) -> list[str]:
    """What a browser would fetch for a page: addresses that are not embedded in it."""
    soup = BeautifulSoup(html, "html.parser")
    found = [tag.get(name, "") for tag in soup.find_all(True) for name in ("src", "data", "poster", "srcset")]
    found += [tag.get("href", "") for tag in soup.find_all("link")]
    styles = "".join(tag.get_text() for tag in soup.find_all("style"))
    found += re.findall(r"url\(\s*['\"]?([^'\")]*)", styles) + re.findall(r"@import[^;]*", styles)
    found += re.findall(r"sourceMappingURL=\S+", html)
    return [address for address in found if address and not address.startswith("data:")]


class TestPage:
    def test_it_is_whole(self, tmp_path: Path):
        (tmp_path / "pictures").mkdir()
        (tmp_path / "pictures" / "a.png").write_bytes(base64.b64decode(png()))
        links = "![a](pictures/a.png) [next](02_b.ipynb) [paper](https://example.org/p) $a < b$,\n\n- **x** `y`"
        cells = [
            text(f"## 1 $x^2$\n\n{links}"),
            code("def f():\n    a = '<b>'\n    b = 2\n    return a", printed="<i> & \n"),
            code("plot()", image__png=png()),
            code("t", text__html="<table><tr><td>1</td></tr></table>"),
            text("Say.", "notes"),
            text("$$\\begin{aligned} a &= b \\\\ \\Big\\lVert c \\Big\\| &= d \\end{aligned}$$"),
        ]
        html = slides_page(notebook(*cells), tmp_path)
        soup = BeautifulSoup(html, "html.parser")
        assert outside(html) == []
        assert soup.title.text == "Made (造)"
        assert [len(section.find_all("section")) for section in soup.select(".slides > section")] == [1, 3]
        assert [link["href"] for link in soup.select(".slides a")] == ["https://example.org/p"]
        assert all(image["src"].startswith("data:image/png;base64,") for image in soup.select("img"))
        assert len(soup.select("img")) == 2
        assert soup.select_one("pre.output").text == "<i> & "
        assert "'<b>'" in soup.select_one("pre.highlight").text
        assert soup.select_one("aside.notes").text.strip() == "Say."
        assert soup.select_one("header math")
        assert soup.select_one("span.whole").text.endswith(",")
        assert len(soup.select(".equation mtr")) == 2
        assert "\\" not in soup.select_one(".equation").text
        assert "Reveal.initialize" in soup.find_all("script")[-1].text
        assert len(soup.find_all("script")) == 4  # none ended early by a tag in its own text

    def test_a_missing_package_is_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setattr(page_module, "NEEDED", {"no_such_module": "no-such-package"})
        with pytest.raises(CourseError, match=r"slides need no-such-package: run `make slides"):
            slides_page(notebook(), tmp_path)

    def test_a_damaged_notebook_is_told(self, tmp_path: Path):
        (tmp_path / "01_a.ipynb").write_text("{")
        with pytest.raises(CourseError, match=r"01_a.ipynb could not be read as a notebook"):
            read_notebook(tmp_path / "01_a.ipynb")

    def test_a_chapter_that_was_not_executed_is_told(self, tmp_path: Path):
        made = notebook(code("1"))
        made.cells[-1].execution_count = None
        nbformat.write(made, tmp_path / "01_a.ipynb")
        with pytest.raises(CourseError, match=r"01_a is not executed.*make build ARGS=01_a"):
            read_notebook(tmp_path / "01_a.ipynb")


CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


class TestChapters:
    def test_a_real_chapter(self):
        path = ROOT / "notebooks" / "04_batchnorm_and_dropout.ipynb"
        soup = BeautifulSoup(html := slides_page(read_notebook(path), path.parent), "html.parser")
        assert outside(html) == []
        assert "You will" in soup.select_one("section.title").text
        headings = [heading.text for heading in soup.select(".slides h2")]
        assert [heading.split()[0] for heading in headings[:8]] == list("12345678")
        assert len(soup.select(".slides > section")) == 1 + len(headings)
        assert len(soup.select("figure img")) >= 10
        assert not re.search(r"· [0-9a-f]{16}|seed 4", soup.select_one(".slides").text)
        assert len(html) < 3_000_000

    @pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
    def test_every_formula_converts(self, path: Path):
        from course_utils.slides.markdown import mathml

        cells = nbformat.read(path, as_version=4).cells
        prose = "".join(re.sub(r"`[^`]*`", "", cell.source) for cell in cells if cell.cell_type == "markdown")
        for block, inline in FORMULA.findall(prose):
            shown = mathml(block or inline)
            assert not re.search(r"\\|>&<|>&amp;<", shown), block or inline


class TestPdf:
    def chromium(self, folder: Path, body: str) -> str:
        path = folder / "chromium"
        path.write_text(
            f"#!/bin/sh\nfor word; do case $word in --print-to-pdf=*) out=${{word#*=}};; esac; done\n{body}\n"
        )
        path.chmod(0o755)
        return str(path)

    def test_the_page_for_paper_shows_a_question_before_its_answer(self, tmp_path: Path):
        made = notebook(text("**Predict first:** which?"), code("print(3)", printed="3\n"))
        assert BeautifulSoup(slides_page(made, tmp_path), "html.parser").select_one("aside").text.split() == [
            "Answer:3"
        ]
        html = slides_page(made, tmp_path, paper=True)
        slides = BeautifulSoup(html, "html.parser").select("section section")
        assert [slide.text.split() for slide in slides[1:]] == [
            ["Made", "(造)", "Predict", "first:", "which?", "codeprint(3)"],
            ["Made", "(造)", "Predict", "first:", "which?", "codeprint(3)", "3"],
        ]
        assert "<script" not in html
        assert outside(html) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
    @pytest.mark.parametrize("user", [0, 1000])
    def test_it_is_printed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int):
        target = tmp_path / "a b.pdf"
        stand_in = self.chromium(tmp_path, 'printf "%%PDF %s" "$*" >"$out"')
        monkeypatch.setattr(pdf_module, "find_chromium", lambda: stand_in)
        monkeypatch.setattr(pdf_module.os, "geteuid", lambda: user)
        pdf_module.print_pdf("<p>slides", target)
        assert target.read_text().endswith("/slides.html")
        assert ("--no-sandbox" in target.read_text()) == (user == 0)
        with pytest.raises(CourseError, match=r"could not be written.*--out"):
            pdf_module.print_pdf("<p>slides", tmp_path / "no" / "a.pdf")

    @pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
    def test_a_failure_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        for body, said in (("echo cannot draw >&2; exit 3", "cannot draw"), ("exit 3", "status 3")):
            stand_in = self.chromium(tmp_path, body)
            monkeypatch.setattr(pdf_module, "find_chromium", lambda found=stand_in: found)
            with pytest.raises(CourseError, match=rf"chromium did not print a.pdf \(.*{said}\): leave out --pdf"):
                pdf_module.print_pdf("<p>slides", tmp_path / "a.pdf")

    def test_a_browser_that_hangs_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def hang(command: list[str], **_: object) -> None:
            raise subprocess.TimeoutExpired(command, 180)

        monkeypatch.setattr(pdf_module, "find_chromium", lambda: "chromium")
        monkeypatch.setattr(pdf_module.subprocess, "run", hang)
        with pytest.raises(CourseError, match="timed out"):
            pdf_module.print_pdf("<p>slides", tmp_path / "a.pdf")

    def test_no_browser_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(pdf_module.shutil, "which", lambda name: None)
        with pytest.raises(CourseError, match=r"no Chromium, Chrome or Edge was found to print a\.pdf: install one"):
            pdf_module.print_pdf("<p>slides", tmp_path / "a.pdf")


class TestCommand:
    @pytest.fixture
    def clone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (tmp_path / "notebooks").mkdir()
        nbformat.write(notebook(text("## 1\n\nOne.")), tmp_path / "notebooks" / "03_made.ipynb")
        monkeypatch.setattr(command, "repository", lambda: tmp_path)
        return tmp_path

    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["course", "slides", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    def test_writes_the_page(self, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        assert self.run(monkeypatch, "3") == 0
        assert "<section" in (clone / "slides" / "03_made.html").read_text(encoding="utf-8")
        assert "03_made.html: open it in any browser" in capsys.readouterr().out

    def test_and_the_pdf(self, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        printed: list[tuple[str, Path]] = []
        monkeypatch.setattr(pdf_module, "print_pdf", lambda page, target: printed.append((page, target)))
        assert self.run(monkeypatch, "03_made", "--out", str(clone / "elsewhere"), "--pdf") == 0
        assert "paper" in printed[0][0]
        assert printed[0][1] == clone / "elsewhere" / "03_made.pdf"
        assert "03_made.pdf" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["4"], "there is no chapter or homework '4': did you mean 03"),
            (["03", "--out", "notebooks/03_made.ipynb"], "could not be written"),
        ],
    )
    def test_errors_are_one_sentence(
        self,
        clone: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        sentence: str,
    ):
        monkeypatch.chdir(clone)
        assert self.run(monkeypatch, *arguments) == 1
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1

    def test_without_a_clone(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        monkeypatch.setattr(command, "repository", lambda: None)
        assert self.run(monkeypatch, "3") == 1
        assert "clone the repository and run `make slides ARGS=NN`" in capsys.readouterr().err
