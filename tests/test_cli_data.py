"""`course data list | get | verify`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from course_utils import registry
from course_utils.cli.data import app
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File, Pictures

ONE = File("one.bin", 3, "md5:900150983cd24fb0d6963f7d28e17f72")  # b"abc"
ROWS = (Pictures("Training", "P????.jpg", 3),)


@pytest.fixture(autouse=True)
def _registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        "small": Entry("small", "Small", "one file", "CC0", "nobody", mirrors=("http://127.0.0.1:9/",), files=(ONE,)),
        "other": Entry("other", "Other", "on request", "ask", "nobody", pictures=ROWS, request="ask Fang"),
    }
    monkeypatch.setattr(registry, "entries", lambda: entries)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def stick(tmp_path: Path, content: bytes = b"abc") -> Path:
    (tmp_path / "stick").mkdir(exist_ok=True)
    (tmp_path / "stick" / "one.bin").write_bytes(content)
    return tmp_path / "stick"


def row(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.strip().startswith(name))


def test_list_shows_what_is_here(tmp_path: Path) -> None:
    shown = run("list")
    assert shown.exit_code == 0
    assert [word for word in ("Name", "What", "Size", "Licence", "Here") if word not in shown.output] == []
    assert row(shown.output, "small").split()[-1] == "no"
    assert "on request" in row(shown.output, "other")
    run("get", "small", "--from", stick(tmp_path))
    assert row(run("list").output, "small").split()[-1] == "yes"
    (tmp_path / "data" / "small" / "one.bin").write_bytes(b"ab")
    assert row(run("list").output, "small").split()[-2:] == ["not", "whole"]
    assert row(shown.output, "other").split()[-1] == "no"
    (tmp_path / "data" / "other").mkdir()
    (tmp_path / "data" / "other" / "training.zip").write_bytes(b"")
    assert row(run("list").output, "other").split()[-1] == "zipped"


def test_the_real_registry_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("list").output
    assert all(name in shown for name in ("mnist", "11.6 MB", "cifar10", "170.5 MB", "palm", "on request"))
    table = [line for line in shown.splitlines() if not line.startswith("Data folder")]
    assert max(len(line) for line in table) <= 80


def test_get_from_a_folder_then_verify(tmp_path: Path) -> None:
    got = run("get", "small", "--from", stick(tmp_path))
    assert got.exit_code == 0
    assert got.output.strip() == f"small: here and whole, in {tmp_path / 'data' / 'small'}"
    checked = run("verify", "small")
    assert (checked.exit_code, checked.output.strip()) == (0, "small/one.bin: whole")


def test_get_without_a_network_or_an_address(tmp_path: Path) -> None:
    for name, says in (("small", "127.0.0.1:9 cannot be reached"), ("other", "ask Fang")):
        failed = run("get", name)
        assert failed.exit_code == 1
        assert isinstance(failed.exception, CourseError)
        assert says in str(failed.exception)
    assert not (tmp_path / "data" / "small").exists()


def test_an_unknown_name_stops_before_anything_is_fetched(tmp_path: Path) -> None:
    failed = run("get", "small", "smal", "--from", stick(tmp_path))
    assert str(failed.exception) == "no data set is called 'smal': did you mean small?"
    assert not (tmp_path / "data").exists()


def test_verify_reports_each_file_and_fails(tmp_path: Path) -> None:
    run("get", "small", "--from", stick(tmp_path))
    (tmp_path / "data" / "small" / "one.bin").write_bytes(b"abd")
    failed = run("verify", "small", "other")
    assert failed.exit_code == 1
    assert "small/one.bin: has a wrong checksum" in failed.output
    assert "other/Training/P????.jpg: is missing" in failed.output
    assert str(failed.exception) == "not whole: small, other: run `course data get small other`"


def test_help_names_the_commands() -> None:
    shown = run("--help").output
    assert all(word in shown for word in ("list", "get", "verify"))
    assert "--from" in run("get", "--help").output
