"""Update rules that move against the gradient, or against a velocity that gathers gradients."""

from __future__ import annotations

import numpy as np

from course_utils.optimizers.state import Rate, State

__all__ = ["momentum", "nesterov", "sgd"]


def sgd(w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 0.01) -> tuple[np.ndarray, State]:
    """Gradient descent: w - lr g. It remembers nothing.

    Source: Cauchy 1847; with gradients of samples, Robbins & Monro 1951, A stochastic approximation method. With all
    samples in g it is batch, with some of them mini-batch gradient descent. Paddle: SGD.
    """
    return w - lr * g, state


def momentum(
    w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 0.01, mu: float = 0.9
) -> tuple[np.ndarray, State]:
    """Steps along the velocity v = mu v + g, in the end 1 / (1 - mu) times as long as those along a steady g.

    state: v. Source: Polyak 1964, Some methods of speeding up the convergence of iteration methods. He, and Sutskever
    et al. 2013 (equation 1), put the rate into v; Paddle's Momentum multiplies by it after, as here, which differs
    only when the rate changes: the velocity then takes the new rate at once.
    """
    (v,) = state or (np.zeros_like(w),)
    v = mu * v + g
    return w - lr * v, (v,)


def nesterov(
    w: np.ndarray, g: np.ndarray, state: State = None, lr: Rate = 0.01, mu: float = 0.9
) -> tuple[np.ndarray, State]:
    """Momentum that looks ahead: v = mu v + g, then w - lr (g + mu v).

    state: v. Source: Nesterov 1983; Sutskever et al. 2013, On the importance of initialization and momentum, equations
    3 and 4. They ask for the gradient at the place ahead, w + mu v. Here w is that place itself, so that g is the
    gradient at w (Bengio et al. 2012, Advances in optimizing recurrent networks, section 3.5): at a constant rate the
    same path, seen mu v further on. Paddle: Momentum(use_nesterov=True).
    """
    (v,) = state or (np.zeros_like(w),)
    v = mu * v + g
    return w - lr * (g + mu * v), (v,)
