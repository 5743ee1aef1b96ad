"""`course doctor`: one table of what is installed, what was found, and what to do about the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from course_utils.cli.checkup import Row, examine

__all__ = ["doctor"]


def doctor(
    brief: Annotated[bool, typer.Option("--brief", help="Print only what keeps the chapters from running.")] = False,
) -> None:
    """Show what is installed, the device, the data found and what is missing; status 1 where no chapter can run."""
    rows = examine()
    missing = [row for row in rows if row.blocks]
    if brief:
        for row in missing:
            print(f"{row.what}: {row.found}: {row.mend}")
    else:
        _show(rows)
        word = "row says" if len(missing) == 1 else "rows say"
        print(f"No chapter runs yet: {len(missing)} {word} what to do." if missing else "The chapters can run.")
    raise typer.Exit(1 if missing else 0)


def _show(rows: list[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "What", "Found", "To do"):
        table.add_column(heading, overflow="fold")
    styles = {"ok": "green", "note": "yellow", "missing": "bold red"}
    for row in rows:
        verdict = f"[{styles[row.verdict]}]{row.verdict}[/]"
        table.add_row(verdict, row.what, escape(row.found), escape(row.mend))
    Console().print(table)
