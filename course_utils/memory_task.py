"""The memory task: say at the end which of four letters a sequence began with, after `lag` letters of noise.

Its idea is that of Hochreiter & Schmidhuber 1997 (section 5.2): what counts comes first, and nothing later repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils.models.recurrent import SequenceClassifier

__all__ = ["ARMS", "LETTERS", "best_rates", "classifier", "learn", "sequences"]

LETTERS = 4  # to remember, and as many others for the noise

# About 5,400 weights on either: the numbers of units differ. A gate set to the lag starts with the bias log(lag).
ARMS: dict[str, dict[str, Any]] = {
    "simple": {"kind": "simple", "hidden": 69},
    "simple, orthogonal": {"kind": "simple", "hidden": 69, "orthogonal": True},
    "GRU": {"kind": "gru", "hidden": 37},
    "GRU, gate set to the lag": {"kind": "gru", "hidden": 37, "keep": log},
    "LSTM": {"kind": "lstm", "hidden": 32},
    "LSTM, gate set to the lag": {"kind": "lstm", "hidden": 32, "keep": log},
}


def sequences(count: int, lag: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x, one-hot float32 [count, 1 + lag, 8], and the first letters, 0 to 3 [count].

    The first letter is one of 0 to 3, the `lag` that follow are of 4 to 7, all drawn with equal chances.
    """
    first = rng.integers(0, LETTERS, count)
    noise = rng.integers(LETTERS, 2 * LETTERS, (count, lag))
    return np.eye(2 * LETTERS, dtype=np.float32)[np.column_stack([first, noise])], first


def classifier(arm: str, lag: int, seed: int) -> SequenceClassifier:
    """The untrained net of an arm. Raises ValueError for an unknown one."""
    if arm not in ARMS:
        raise ValueError(f"no arm is called {arm!r}: use {', '.join(ARMS)}")
    options = {key: value(lag) if callable(value) else value for key, value in ARMS[arm].items()}
    paddle.seed(seed)
    return SequenceClassifier(in_features=2 * LETTERS, classes=LETTERS, **options)


def learn(
    arm: str, lag: int, seed: int, rate: float, steps: int = 500, batch: int = 32, tested: int = 500
) -> tuple[int, list[float]]:
    """How many of `tested` new sequences the trained net gets right, and the loss of each step.

    Adam, gradients clipped to a global norm of 1, new sequences in each step. It stops early once the mean loss of 20
    steps is below 0.02. Two arms with one seed see the same sequences.
    """
    net = classifier(arm, lag, seed)
    clip = paddle.nn.ClipGradByGlobalNorm(1.0)
    optimizer = paddle.optimizer.Adam(rate, parameters=net.parameters(), grad_clip=clip)
    rng = np.random.default_rng([seed, lag])
    losses: list[float] = []
    while len(losses) < steps and not (len(losses) >= 20 and np.mean(losses[-20:]) < 0.02):
        x, first = sequences(batch, lag, rng)
        loss = F.cross_entropy(net(paddle.to_tensor(x)), paddle.to_tensor(first))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    x, first = sequences(tested, lag, np.random.default_rng([seed, lag, 1]))
    with paddle.no_grad():
        said = net(paddle.to_tensor(x)).numpy().argmax(axis=1)
    return int((said == first).sum()), losses


def best_rates(runs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """For each (arm, lag) the learning rate that got most right over all seeds, and of equals the quickest one.

    runs: with arm, lag, rate, correct and steps each, as benchmarks/memory_task.py stores them.
    """
    scores: dict[tuple[str, int], dict[float, list[int]]] = {}
    for run in runs:
        score = scores.setdefault((run["arm"], run["lag"]), {}).setdefault(run["rate"], [0, 0])
        score[0] += run["correct"]
        score[1] -= run["steps"]
    return {place: max(rates, key=lambda rate: rates[rate]) for place, rates in scores.items()}
