"""The teacher's pages name what there is: every demo with its question, commands with options that exist."""

import ast
import re

import jupytext
import pytest
import typer.main
from typer.testing import CliRunner

from course_utils.cli import app
from course_utils.demos.gallery import GALLERY
from tools.notebooks import ROOT

PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
COMMANDS = sorted(
    {found for page in PAGES.values() for found in re.findall(r"(?:^|`)(course [a-z][^`\n]*)", page, re.M)}
)


def plain(text):
    return " ".join(text.split())


@pytest.mark.parametrize("card", GALLERY, ids=lambda card: card.name)
def test_the_page_for_teachers_has_every_demo_with_its_minutes_and_question(card):
    section = plain(PAGES["teaching.md"]).split(f"### Chapter {card.chapter} ")[1].split("### Chapter")[0]
    assert f"{card.title}** (`{card.name}`, {card.minutes})" in section
    assert f"Ask: {plain(card.question)}" in section


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_and_options_exist(line):
    command = typer.main.get_command(app).commands[line.split()[1]]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert set(re.findall(r"--[a-z-]+", line)) <= known
    assert CliRunner().invoke(app, [line.split()[1], "--help"]).exit_code == 0


def test_pages_link_to_files_that_exist_and_the_readme_to_them():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, page in PAGES.items():
        assert f"docs/{name}" in readme
        for link in re.findall(r"\]\(([^)#:]+)\)", page):
            assert (ROOT / "docs" / link).exists()


def test_the_question_that_is_shown_whole_has_a_form_that_python_reads():
    module, cells = re.findall(r"```python\n(.*?)```", PAGES["grading.md"], re.DOTALL)
    names = {node.id for node in ast.walk(ast.parse(module)) if isinstance(node, ast.Name)}
    assert {"Case", "Question", "Known"} <= names
    tags = [cell.metadata.get("tags", []) for cell in jupytext.reads(cells, fmt="py:percent").cells]
    assert tags == [[], ["stub"], ["solution"], []]
