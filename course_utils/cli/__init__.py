"""The `course` command. What a command needs beyond the standard library it imports itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from course_utils import __version__
from course_utils.cli.data import app as data_app
from course_utils.cli.demo import demo
from course_utils.cli.doctor import doctor
from course_utils.cli.homework import check, grade, gradebook
from course_utils.cli.slides import slides
from course_utils.cli.study import study
from course_utils.cli.train import app as train_app
from course_utils.errors import CourseError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Work with the course: open the chapters, see whether this machine is ready, fetch the data sets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run `course`; what lies outside the code ends with one sentence and status 1, Ctrl-C with status 130."""
    try:
        app(prog_name="course")
    except CourseError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:
            print("Stopped.", file=sys.stderr)
        raise


def _version(asked: bool) -> None:
    if asked:
        print(f"course {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(study)
app.command()(doctor)
app.command()(demo)
app.command()(check)
app.command()(grade)
app.command()(gradebook)
app.command()(slides)
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")
