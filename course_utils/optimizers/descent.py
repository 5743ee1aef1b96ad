"""A descent from a start, step by step, by any of the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from course_utils.optimizers.moments import adam, adamax, adamw, nadam
from course_utils.optimizers.scaled import adadelta, adagrad, rmsprop
from course_utils.optimizers.state import Rate, State
from course_utils.optimizers.velocity import momentum, nesterov, sgd

__all__ = ["RULES", "Rule", "descend", "steps_until"]

Rule: TypeAlias = Callable[..., tuple[np.ndarray, State]]
RULES: dict[str, Rule] = {
    "SGD": sgd,
    "Momentum": momentum,
    "Nesterov": nesterov,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "RMSProp": rmsprop,
    "Adam": adam,
    "Adamax": adamax,
    "AdamW": adamw,
    "NAdam": nadam,
}
DIVERGED = 1e6  # a weight beyond it will not come back; to stop there keeps its powers within float32


def descend(
    rule: Rule,
    gradient: Callable[[np.ndarray], np.ndarray],
    start: ArrayLike,
    lr: Rate | Callable[[int], Rate],
    steps: int,
    l2: float = 0.0,
    **settings: Any,
) -> np.ndarray:
    """The path of a rule, [steps + 1, *shape of w]; a weight that has passed a million is nan from there.

    gradient: w -> the gradient at w, of a new batch each time if it likes. start: the first w. lr: a rate, an array of
    them that broadcasts against w (one for each row makes a sweep), or a schedule: step, counted from 0, -> rate.
    l2: coupled weight decay, l2 w added to the gradient; it is what weight_decay means for Paddle's optimizers other
    than AdamW. settings: those of the rule. Raises ValueError for fewer than 1 step, a negative rate, or a gradient
    that has not the shape of w.
    """
    if steps < 1:
        raise ValueError(f"{steps} steps are no descent: use 1 or more")
    w, state = 0.0 + np.asarray(start), None
    path = [w]
    for step in range(steps):
        rate, g = lr(step) if callable(lr) else lr, gradient(w)
        if np.min(rate) < 0:
            raise ValueError(f"the rate {np.min(rate):g} at step {step} climbs: use 0 or more")
        if np.shape(g) != w.shape:
            raise ValueError(f"the gradient is {list(np.shape(g))} for weights {list(w.shape)}: give them one shape")
        w, state = rule(w, g + l2 * w, state, lr=rate, **settings)
        w = np.where(np.abs(w) < DIVERGED, w, np.nan)
        path.append(w)
    return np.array(path)


def steps_until(losses: np.ndarray, bar: float) -> np.ndarray:
    """After how many steps losses [steps + 1, ...] stay at or below the bar to the end; inf where they do not."""
    above = ~(losses <= bar)  # nan is above
    last = len(losses) - np.argmax(above[::-1], axis=0)  # one after the last that is above
    return np.where(above[-1], np.inf, np.where(above.any(axis=0), last, 0))
