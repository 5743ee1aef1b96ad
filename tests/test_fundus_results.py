"""The stored results of screening nets say the same thing twice, and the folds show every photograph to train once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from course_utils import results, screening

NAMES = results.stored_names("fundus_")


def pictures(columns: dict[str, Any]) -> tuple[list[str], np.ndarray, np.ndarray]:
    names, labels, logits = columns["names"], np.array(columns["labels"]), np.array(columns["logits"])
    assert len(names) == len(set(names)) == len(labels) == len(logits)
    assert np.isfinite(logits).all()
    assert set(labels.tolist()) == {0, 1}
    return names, labels, logits


def test_there_are_three_seeds_of_the_small_net_and_folds_of_one() -> None:
    seeds = [results.stored(name) for name in NAMES if name.startswith("fundus_small_")]
    assert [entry["seed"] for entry in seeds] == [0, 1, 2]
    assert "folds" in seeds[0]
    assert len({repr(entry["recipe"]) for entry in seeds}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_result_agrees_with_itself_and_with_the_others(name: str) -> None:
    result = results.stored(name)
    names, labels, logits = pictures(result["valid"])
    assert result["auc"] == pytest.approx(screening.auc(logits, labels))
    assert name == f"fundus_{result['name']}_seed{result['seed']}"
    assert len(result["rows"]) == result["recipe"]["epochs"]
    first = results.stored(NAMES[0])["valid"]
    assert names == first["names"]
    assert labels.tolist() == first["labels"]


@pytest.mark.parametrize("name", NAMES)
def test_a_reduced_copy_is_the_photograph(name: str) -> None:
    """The bar of the design: 3 of 255 a pixel on average, and half a unit of the small net's logit."""
    sizes = results.stored(name)["full_size"]
    assert max(sizes["pixel_difference"]) <= 3
    if name.startswith("fundus_small_"):
        assert np.abs(np.subtract(sizes["logits"], sizes["reduced_logits"])).max() <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_folds_hold_each_photograph_out_once(name: str) -> None:
    result = results.stored(name)
    if "folds" not in result:
        return
    folds = result["folds"]
    names, labels, _ = pictures(folds)
    assert len(names) == result["training_images"]
    assert not set(names) & set(result["valid"]["names"])
    assert [name[0] for name in names] == folds["kinds"]
    assert labels.tolist() == [int(kind == "P") for kind in folds["kinds"]]
    counts = np.bincount(folds["fold"], minlength=folds["count"])
    assert counts.max() - counts.min() <= 1
