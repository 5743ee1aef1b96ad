"""The comparisons of chapter 07: equal starts, steps counted to the goal, one budget, and results that are whole."""

import numpy as np
import paddle
import pytest

from course_utils import comparisons, datasets, results
from course_utils.models import small_nets
from course_utils.summary import blueprint


@pytest.fixture(scope="module")
def pictures():
    """Two classes that are easy to tell apart: bright and dark."""
    generator = np.random.default_rng(0)
    labels = np.arange(128) % 2
    images = generator.integers(0, 100, (128, 3, 32, 32)) + 100 * labels[:, None, None, None]
    return datasets.Split(images.astype(np.uint8), labels)


def test_the_racing_nets_differ_in_nothing_but_the_activation():
    nets = {}
    for name, activation in comparisons.ACTIVATIONS.items():
        paddle.seed(0)
        nets[name] = comparisons.race_net(activation)
    values = {name: [weight.numpy() for weight in net.parameters()] for name, net in nets.items()}
    for weights in values.values():
        assert all(np.array_equal(mine, first) for mine, first in zip(weights, values["ReLU"], strict=True))
        assert sum(weight.size for weight in weights) == 49_050
    assert [type(nets[name][1]).__name__ for name in nets] == ["ReLU", "Tanh", "Sigmoid"]


def test_a_race_ends_at_the_goal_and_repeats_itself(pictures):
    errors = comparisons.race("ReLU", 0.01, pictures, seed=1, goal=0.1, epochs=20)
    assert errors[-1] <= 0.1 < min(errors[:-1])
    assert errors == comparisons.race("ReLU", 0.01, pictures, seed=1, goal=0.1, epochs=20)


def test_a_race_ends_after_its_epochs_and_where_the_loss_is_lost(pictures):
    assert len(comparisons.race("sigmoid", 1e-6, pictures, seed=1, epochs=2)) == 3
    errors = comparisons.race("ReLU", 1e6, pictures, seed=1, epochs=20)
    assert np.isnan(errors[-1])
    assert comparisons.steps_to(0.25, errors, images=128) == np.inf


def test_steps_are_counted_between_two_epochs_on_a_line():
    assert comparisons.steps_to(0.25, [0.9, 0.5, 0.0], images=640) == 15  # ten steps an epoch
    assert comparisons.steps_to(0.25, [0.9, 0.25], images=641) == 11
    assert comparisons.steps_to(0.25, [0.9, 0.26], images=640) == np.inf


def test_a_small_net_learns_within_its_schedule(pictures):
    trainer = comparisons.small_trainer("LeNet-5", 0.03, pictures, epochs=10, seed=0)
    trainer.fit(pictures, epochs=10)
    assert trainer.evaluate(pictures).accuracy > 0.9


def test_the_races_results_are_whole():
    stored = results.stored("activation_race")
    for run in stored["runs"]:
        last = run["errors"][-1]
        assert last <= stored["goal"] or last == 1 or len(run["errors"]) == run["at_most_epochs"] + 1
        assert abs(run["errors"][0] - 0.9) < 0.06  # untrained, and all started alike
    starts = {(run["seed"], run["images"]) for run in stored["runs"]}
    assert len(starts) >= 5


def test_the_small_networks_results_are_whole_and_of_todays_nets():
    runs = results.stored("small_networks")["runs"]
    for name, make in small_nets().items():
        table = blueprint(make, [1, 3, 32, 32])
        assert {(run["parameters"], run["macs"]) for run in runs if run["net"] == name} == {
            (table.trainable, table.macs)
        }
    assert all(int(run["right"], 16).bit_count() == run["correct"] for run in runs)
    assert {(run["epochs"], run["total"]) for run in runs} == {(2, 2_000), (4, 10_000)}
    tested = {(run["net"], run["lr"]) for run in runs if run["total"] == 10_000}
    assert len(tested) == len(small_nets())  # each at one rate
