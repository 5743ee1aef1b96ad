"""Update rules that divide each weight's gradient by the size of those it had before."""

from __future__ import annotations

import numpy as np

from course_utils.optimizers.state import Rate, State

__all__ = ["adadelta", "adagrad", "rmsprop"]


def adagrad(
    w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 0.01, eps: float = 1e-6
) -> tuple[np.ndarray, State]:
    """Divide by the root of the sum r of all squared gradients so far: steps only ever become shorter.

    state: r. Source: Duchi, Hazan & Singer 2011, Adaptive subgradient methods, figure 1 (diagonal case). Paddle's
    Adagrad is the same, eps outside the root.
    """
    (r,) = state or (np.zeros_like(w),)
    r = r + g**2
    return w - lr * g / (np.sqrt(r) + eps), (r,)


def rmsprop(
    w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 0.01, rho: float = 0.95, eps: float = 1e-6
) -> tuple[np.ndarray, State]:
    """Divide by the root of a running mean s of the squared gradients, which forgets old ones at the rate rho.

    state: s. Source: Tieleman & Hinton 2012, lecture 6e of Neural networks for machine learning: rho 0.9, no eps.
    Others put eps outside the root; Paddle's RMSProp has it inside, as here, so that it acts as sqrt(eps) where
    gradients vanish.
    """
    (s,) = state or (np.zeros_like(w),)
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / np.sqrt(s + eps), (s,)


def adadelta(
    w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 1.0, rho: float = 0.95, eps: float = 1e-6
) -> tuple[np.ndarray, State]:
    """RMSProp whose rate is the running root mean square of its own steps, so that steps have the unit of w.

    state: s, the mean of squared gradients, and d, that of squared steps. Source: Zeiler 2012, ADADELTA, algorithm 1,
    which has no learning rate: lr = 1. Paddle's Adadelta multiplies the step by one, 0.001 unless told otherwise.
    """
    s, d = state or (np.zeros_like(w), np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    step = np.sqrt(d + eps) / np.sqrt(s + eps) * g
    return w - lr * step, (s, rho * d + (1 - rho) * step**2)
