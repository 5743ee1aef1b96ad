"""Stored results are read from the clone, and what is missing or damaged is said."""

import pytest

from course_utils import results
from course_utils.errors import CourseError


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "repository", lambda: tmp_path)
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "race_1.json").write_text('{"runs": [1, 2]}', "utf-8")
    (folder / "race_0.json").write_text('{"runs": [', "utf-8")
    (folder / "other.json").write_text("[]", "utf-8")


def test_results_are_read_and_listed(clone):
    assert results.stored("race_1") == {"runs": [1, 2]}
    assert results.stored_names("race_") == ["race_0", "race_1"]
    assert results.stored_names("nothing") == []


@pytest.mark.parametrize(("name", "says"), [("gone", r"gone\.json is missing"), ("race_0", r"race_0\.json is damaged")])
def test_missing_and_damaged_results(clone, name, says):
    with pytest.raises(CourseError, match=says) as raised:
        results.stored(name)
    assert "\n" not in str(raised.value)


def test_without_a_clone(monkeypatch):
    monkeypatch.setattr(results, "repository", lambda: None)
    with pytest.raises(CourseError, match="without its clone"):
        results.stored("race_1")


def test_the_ladders_own_results_are_whole():
    """Each run of the ladder: its count is that of its images, on all of CIFAR-10."""
    runs = results.stored("cifar10_ladder")["runs"]
    assert runs
    for run in runs:
        bits = int(run["right"], 16).bit_count()
        assert bits == run["correct"]
        assert len(run["losses"]) == run["epochs"]
        assert (run["images"], run["total"]) == (50_000, 10_000)
