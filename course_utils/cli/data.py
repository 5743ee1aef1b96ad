"""`course data`: which data sets there are, and how they come here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from course_utils import registry
from course_utils.errors import CourseError
from course_utils.settings import data_dir

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="List, get and check the data sets.")
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="mnist, cifar10 or palm; `list` shows them.")]
Source = Annotated[
    Path | None,
    typer.Option("--from", metavar="PATH", help="Take it from this folder, file, zip or tar instead of the network."),
]


@app.command("list")
def list_sets() -> None:
    """Show every data set: what it is, its size and licence, and whether it is here."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption=f"Data folder: {data_dir()}", caption_justify="left", leading=1)
    for heading in ("Name", "What", "Size", "Licence", "Here"):
        table.add_column(heading, no_wrap=heading in ("Name", "Size"), justify="right" if heading == "Size" else "left")
    for name, entry in registry.entries().items():
        size = f"{entry.size / 1e6:.1f} MB" if entry.size else "on request"
        table.add_row(name, f"{entry.title}: {entry.what}", size, entry.licence, _here(name))
    Console().print(table)


@app.command()
def get(names: Names, source: Source = None) -> None:
    """Download data sets, or copy them with --from; what is here and whole is left alone."""
    for name in names:
        registry.entry(name)  # an unknown name stops before the first download
    for name in names:
        folder = registry.get(name, source)
        typer.echo(f"{name}: here and whole, in {folder}")


@app.command()
def verify(names: Names) -> None:
    """Compare every file of the data sets with its size and checksum."""
    broken = []
    for name in names:
        findings = registry.inspect(name)
        for finding in findings:
            typer.echo(f"{name}/{finding.name}: {finding.problem or 'whole'}")
        broken += [name] if any(finding.problem for finding in findings) else []
    if broken:
        raise CourseError(f"not whole: {', '.join(broken)}: run `course data get {' '.join(broken)}`")


def _here(name: str) -> str:
    findings = registry.inspect(name, bytes_too=False)
    if all(finding.problem == "is missing" for finding in findings):
        zipped = registry.entry(name).pictures and any((data_dir() / name).rglob("*.zip"))
        return "zipped" if zipped else "no"  # pictures are read from archives too
    return "not whole" if any(finding.problem for finding in findings) else "yes"
