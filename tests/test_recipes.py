"""Schedules, Nesterov and label smoothing against their formulas, and decay where it is meant."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn
from paddle.optimizer.lr import LRScheduler

from course_utils import recipes
from course_utils.training import Trainer


def rates(schedule: LRScheduler, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(schedule())
        schedule.step()
    return found


def on_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


@settings(max_examples=50, deadline=None)
@given(steps=st.integers(10, 400), rise=st.floats(0.2, 0.8), lr=st.floats(1e-4, 10))
def test_one_cycle_is_its_formula(steps: int, rise: float, lr: float) -> None:
    top = rise * steps - 1
    expected = [
        on_cosine(0.04 * lr, lr, t / top) if t <= top else on_cosine(lr, 1e-4 * lr, (t - top) / (steps - 1 - top))
        for t in range(steps)
    ]
    found = rates(recipes.one_cycle(lr, steps, rise), steps)
    assert np.allclose(found, expected, rtol=1e-9, atol=0)
    assert found[0] == pytest.approx(0.04 * lr)
    assert found[-1] == pytest.approx(1e-4 * lr)


@settings(max_examples=50, deadline=None)
@given(steps=st.integers(2, 400), lr=st.floats(1e-4, 10), data=st.data())
def test_cosine_is_its_formula(steps: int, lr: float, data: st.DataObject) -> None:
    warm_up = data.draw(st.integers(0, steps - 1))
    expected = [
        lr * t / warm_up if t < warm_up else on_cosine(lr, 0, (t - warm_up) / (steps - warm_up)) for t in range(steps)
    ]
    assert np.allclose(rates(recipes.cosine(lr, steps, warm_up), steps), expected, rtol=1e-9, atol=0)


def test_steps_count_the_short_last_batch() -> None:
    assert recipes.steps_in(epochs=3, images=257, batch_size=128) == 9
    assert recipes.steps_in(epochs=3, images=256, batch_size=128) == 6


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum", "Adam", "AdamW"])
def test_decay_moves_kernels_and_matrices_alone(optimizer: str) -> None:
    net = nn.Sequential(nn.Conv2D(1, 2, 3), nn.BatchNorm2D(2), nn.Flatten(), nn.Linear(8, 3))
    for parameter in net.parameters():
        parameter.set_value(paddle.rand(parameter.shape) + 0.5)
    net[1]._mean.set_value(paddle.ones([2]))
    net[3].weight.stop_gradient = True  # frozen
    before = {name: parameter.numpy() for name, parameter in net.named_parameters()}
    groups = recipes.decay_groups(net, 0.5)
    update = getattr(paddle.optimizer, optimizer)(0.1, parameters=groups)
    for _ in range(2):
        sum((parameter * 0).sum() for parameter in net.parameters()).backward()  # nothing pulls but the decay
        update.step()
        update.clear_grad()
    moved = {name for name, parameter in net.named_parameters() if (parameter.numpy() != before[name]).any()}
    assert moved == {"0.weight"}


def test_nesterov_is_its_formula() -> None:
    net = nn.Linear(3, 2)
    optimizer = recipes.nesterov(net, lr=0.1, weight_decay=0.01, momentum=0.8)
    weights = [net.weight.numpy().astype(float), net.bias.numpy().astype(float)]
    velocities = [np.zeros((3, 2)), np.zeros(2)]
    x = np.random.default_rng(0).normal(size=(5, 4, 3))
    for batch in x:
        (net(paddle.to_tensor(batch, dtype="float32")) ** 2).sum().backward()
        optimizer.step()
        optimizer.clear_grad()
        slope = 2 * (batch @ weights[0] + weights[1])
        for i, gradient in enumerate((batch.T @ slope + 0.01 * weights[0], slope.sum(0))):
            velocities[i] = 0.8 * velocities[i] + gradient
            weights[i] = weights[i] - 0.1 * (gradient + 0.8 * velocities[i])
    assert np.allclose(net.weight.numpy(), weights[0], rtol=1e-4)
    assert np.allclose(net.bias.numpy(), weights[1], rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(rise=st.integers(1, 20), level=st.integers(0, 20), fall=st.integers(1, 20), lr=st.floats(1e-4, 10))
def test_trapezoid_is_its_three_lines(rise: int, level: int, fall: int, lr: float) -> None:
    expected = [lr * (t + 1) / rise for t in range(rise)] + [lr] * level + [lr * (fall - t) / fall for t in range(fall)]
    found = rates(recipes.trapezoid(lr, rise + level + fall, rise, fall), rise + level + fall)
    assert np.allclose(found, expected, rtol=1e-9, atol=0)
    longer = rates(recipes.trapezoid(lr, rise + level + fall + 7, rise, fall), rise + level)
    assert found[: rise + level] == longer  # the end may be decided later


@settings(max_examples=30, deadline=None)
@given(epsilon=st.floats(0, 0.9), n=st.integers(1, 5), classes=st.integers(2, 6), seed=st.integers(0, 99))
def test_smoothed_cross_entropy_is_its_formula(epsilon: float, n: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, classes)), rng.integers(0, classes, n)
    targets = (1 - epsilon) * np.eye(classes)[labels] + epsilon / classes
    log_shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    loss = recipes.smoothed_cross_entropy(epsilon)(paddle.to_tensor(logits), paddle.to_tensor(labels))
    assert loss.item() == pytest.approx(-(targets * log_shares).sum(1).mean(), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(epsilon=st.floats(0, 0.9), n=st.integers(1, 6), seed=st.integers(0, 99))
def test_binary_cross_entropy_is_that_of_two_logits(epsilon: float, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logit, labels = paddle.to_tensor(rng.normal(0, 3, (n, 1))), paddle.to_tensor(rng.integers(0, 2, n))
    pair = paddle.concat([paddle.zeros_like(logit), logit], axis=1)
    loss = recipes.binary_cross_entropy(epsilon)(logit, labels)
    assert loss.item() == pytest.approx(recipes.smoothed_cross_entropy(epsilon)(pair, labels).item(), rel=1e-6)


def test_binary_cross_entropy_trains_a_net_with_one_logit() -> None:
    """Dark images are class 0 and bright ones class 1: the Trainer learns it, and counts both classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 40)
    images = (rng.integers(0, 100, (40, 1, 2, 2)) + 150 * labels[:, None, None, None]).astype(np.uint8)
    paddle.seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    optimizer = paddle.optimizer.Adam(0.1, parameters=net.parameters())
    trainer = Trainer(net, optimizer, loss=recipes.binary_cross_entropy(), batch_size=10, report=None)
    before = trainer.evaluate((images, labels))
    rows = trainer.fit((images, labels), epochs=20).rows
    after = trainer.evaluate((images, labels))
    assert rows[-1].loss < rows[0].loss
    assert after.loss < before.loss
    assert after.accuracy == 1.0
    assert trainer.evaluate((images, 1 - labels)).accuracy == 0.0


def test_binary_cross_entropy_wants_one_logit() -> None:
    with pytest.raises(ValueError, match=r"the logits are \[3, 2\] for 3 labels: give a net with one logit"):
        recipes.binary_cross_entropy()(paddle.zeros([3, 2]), paddle.zeros([3], "int64"))
    with pytest.raises(ValueError, match=r"epsilon -0\.1 is not a share"):
        recipes.binary_cross_entropy(-0.1)


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="0 epochs of 5 images in batches of 2 have no step"):
        recipes.steps_in(0, 5, 2)
    for schedule in (recipes.one_cycle, recipes.cosine, lambda lr, steps: recipes.trapezoid(lr, steps, 1, 1)):
        with pytest.raises(ValueError, match=r"a learning rate of -1 does not train"):
            schedule(-1, 10)
        with pytest.raises(ValueError, match=r"1 steps are no schedule"):
            schedule(0.1, 1)
    with pytest.raises(ValueError, match=r"a rise of 0\.1 of 10 steps has no step"):
        recipes.one_cycle(0.1, 10, rise=0.1)
    with pytest.raises(ValueError, match="a warm-up of 10 leaves no step of 10: use 0 to 9"):
        recipes.cosine(0.1, 10, warm_up=10)
    with pytest.raises(ValueError, match="a rise of 6 and a fall of 5 do not fit 10 steps"):
        recipes.trapezoid(0.1, 10, rise=6, fall=5)
    with pytest.raises(ValueError, match=r"weight_decay -0\.1 is negative"):
        recipes.decay_groups(nn.Linear(2, 2), -0.1)
    with pytest.raises(ValueError, match="no trainable parameters"):
        recipes.decay_groups(nn.ReLU(), 0.1)
    with pytest.raises(ValueError, match="epsilon 1 is not a share"):
        recipes.smoothed_cross_entropy(1)
