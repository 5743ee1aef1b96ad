"""Ratios are taken round by round, against a clock that the test turns."""

import pytest

from course_utils import timing


def test_ratios_are_medians_of_rounds(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    order = []

    def call(name, seconds):
        def run():
            order.append(name)
            now[0] += seconds

        return run

    ratios = timing.interleaved_ratios({"slow": call("slow", 3.0), "base": call("base", 1.0)}, "base", repeats=2)
    assert ratios == {"slow": 3.0, "base": 1.0}
    assert order == ["slow", "base"] * 3  # one round to warm up, then in turns


@pytest.mark.parametrize(("reference", "repeats"), [("other", 1), ("base", 0)])
def test_wrong_arguments(reference, repeats):
    with pytest.raises(ValueError, match="must be one of base, and repeats at least 1"):
        timing.interleaved_ratios({"base": lambda: None}, reference, repeats)
