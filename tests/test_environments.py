"""The conda environments, pyproject.toml and constraints.txt say the same where they overlap."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def read(name: str) -> tuple[list[str], list[str]]:
    """The conda entries and the pip lines of an environment file."""
    dependencies = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))["dependencies"]
    lists = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert len(lists) == 1
    return [entry for entry in dependencies if isinstance(entry, str)], lists[0]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    found = [Requirement(line) for line in lines if not line.startswith("-")]
    return {need.name: need for need in found}


def constraints() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name: Version(version) for name, version in pins}


@pytest.mark.parametrize(("file", "extra"), [("environment.yml", "gpu"), ("environment-cpu.yml", "cpu")])
class TestEnvironment:
    def test_python_is_the_projects(self, file: str, extra: str) -> None:
        conda, _ = read(file)
        (python,) = [Requirement(entry) for entry in conda if entry.startswith("python ")]
        assert python.specifier == SpecifierSet(PROJECT["requires-python"])

    def test_paddle_is_the_extras_pin(self, file: str, extra: str) -> None:
        wanted = requirements(EXTRAS[extra])
        assert requirements(read(file)[1]).items() >= wanted.items()

    def test_numpys_upper_bound_is_the_projects(self, file: str, extra: str) -> None:
        here = requirements(read(file)[1])["numpy"].specifier
        ours = requirements(PROJECT["dependencies"])["numpy"].specifier
        assert str(here) in {str(bound) for bound in ours}

    def test_installs_the_clone_with_the_tested_versions(self, file: str, extra: str) -> None:
        conda, lines = read(file)
        assert "pip" in conda
        assert lines.count("-c constraints.txt") == 1
        assert lines[-1] == "-e ."

    def test_names_what_is_unproven(self, file: str, extra: str) -> None:
        assert "Unproven" in (ROOT / file).read_text(encoding="utf-8")


def test_only_the_gpu_environment_asks_another_index() -> None:
    _, gpu = read("environment.yml")
    _, cpu = read("environment-cpu.yml")
    index = "--extra-index-url https://www.paddlepaddle.org.cn/packages/stable/cu126/"
    assert [line for line in gpu if "index" in line] == [index]
    assert [line for line in cpu if "index" in line] == []


def test_binder_uses_the_cpu_environment() -> None:
    script = (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
    assert "--file environment-cpu.yml" in script
    assert not (ROOT / ".binder" / "environment.yml").exists()


def test_constraints_satisfy_the_project() -> None:
    pins = constraints()
    lists = [PROJECT["dependencies"], EXTRAS["cpu"], EXTRAS["author"]]
    needs = [Requirement(text) for texts in lists for text in texts]
    assert {need.name for need in needs} <= pins.keys()
    assert [need.name for need in needs if pins[need.name] not in need.specifier] == []


def test_both_builds_of_paddle_are_pinned_to_one_version() -> None:
    pins = {str(Requirement(text).specifier) for extra in ("cpu", "gpu") for text in EXTRAS[extra]}
    assert pins == {f"=={constraints()['paddlepaddle']}"}
