"""The memory task asks for memory: its answer stands in the first letter alone, and nets of one size learn it."""

import numpy as np
import pytest

from course_utils import memory_task, results
from course_utils.ops import recurrent_parameters


def test_the_answer_is_the_first_letter_and_the_rest_is_noise():
    x, first = memory_task.sequences(200, 7, np.random.default_rng(0))
    assert x.shape == (200, 8, 8)
    assert x.dtype == np.float32
    assert (x.sum(axis=2) == 1).all()
    letters = x.argmax(axis=2)
    assert (letters[:, 0] == first).all()
    assert set(first) == {0, 1, 2, 3}
    assert set(letters[:, 1:].ravel()) == {4, 5, 6, 7}


def test_the_arms_have_about_the_same_number_of_weights():
    counts = [recurrent_parameters(arm["kind"], 8, arm["hidden"]) for arm in memory_task.ARMS.values()]
    assert max(counts) < 1.05 * min(counts)


def test_a_gate_is_set_to_the_lag():
    plain, kept = (memory_task.classifier(arm, 30, 1) for arm in ("LSTM", "LSTM, gate set to the lag"))
    difference = kept.recurrent.parameters()[2].numpy() - plain.recurrent.parameters()[2].numpy()
    assert np.allclose(difference[32:64], np.log(30), atol=1e-5)
    assert not difference[:32].any()
    assert not difference[64:].any()


def test_it_can_be_learned_and_is_the_same_again():
    first, again = (memory_task.learn("simple, orthogonal", 2, 0, 0.01, steps=150, tested=50) for _ in range(2))
    assert first == again
    correct, losses = first
    assert correct == 50
    assert len(losses) < 150  # it stopped once it knew
    assert np.mean(losses[-20:]) < 0.02


def test_the_best_rate_gets_most_right_and_of_equals_is_the_quickest():
    keys = ("arm", "lag", "rate", "correct", "steps")
    rows = [("a", 1, 0.1, 9, 5), ("a", 1, 0.1, 1, 5), ("a", 1, 0.2, 5, 4), ("a", 1, 0.2, 5, 5), ("b", 1, 0.3, 0, 9)]
    chosen = memory_task.best_rates(dict(zip(keys, row, strict=True)) for row in rows)
    assert chosen == {("a", 1): 0.2, ("b", 1): 0.3}


def test_the_stored_runs_are_whole():
    """Each arm has its rates compared on seeds that do not count, and counts at the best one."""
    stored = results.stored("memory_task")
    chosen = memory_task.best_rates(stored["choosing"])
    seeds = {}
    for run in stored["counting"]:
        assert run["rate"] == chosen[run["arm"], run["lag"]]
        assert 0 <= run["correct"] <= run["total"]
        seeds.setdefault((run["arm"], run["lag"]), []).append(run["seed"])
    assert set(seeds) == {(arm, lag) for arm in memory_task.ARMS for _, lag in seeds}
    assert all(sorted(found) == list(range(2, 12)) for found in seeds.values())
    assert not {run["seed"] for run in stored["choosing"]} & set(range(2, 12))


def test_an_unknown_arm_is_named():
    with pytest.raises(ValueError, match="no arm is called 'rnn': use simple"):
        memory_task.classifier("rnn", 3, 0)
