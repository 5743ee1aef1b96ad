"""Adam and its kin: a running mean of the gradients, divided by the running size of them."""

from __future__ import annotations

import numpy as np

from course_utils.optimizers.state import Rate, State

__all__ = ["adam", "adamax", "adamw", "nadam"]


def adam(
    w: np.ndarray,
    g: np.ndarray,
    state: State = None,
    lr: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, State]:
    """Momentum divided by RMSProp's root, both freed from their start at 0: the first step is lr for every weight.

    state: t, the steps so far, m, the mean of the gradients, and v, that of their squares. Source: Kingma & Ba 2015,
    Adam, algorithm 1. Paddle's Adam moves the corrections into rate and eps (their section 2), which is the same.
    """
    t, m, v = state or (0, np.zeros_like(w), np.zeros_like(w))
    t, m, v = t + 1, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), (t, m, v)


def adamax(
    w: np.ndarray,
    g: np.ndarray,
    state: State = None,
    lr: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, State]:
    """Adam with the largest gradient of late, u, instead of the root of a mean.

    state: t, m, u. Source: Kingma & Ba 2015, Adam, algorithm 2, without eps; Paddle's Adamax adds it to the faded u
    before it takes the maximum, as here.
    """
    t, m, u = state or (0, np.zeros_like(w), np.zeros_like(w))
    t, m, u = t + 1, beta1 * m + (1 - beta1) * g, np.maximum(np.abs(g), beta2 * u + eps)
    return w - lr / (1 - beta1**t) * m / u, (t, m, u)


def adamw(
    w: np.ndarray,
    g: np.ndarray,
    state: State = None,
    lr: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[np.ndarray, State]:
    """Adam after the weights have shrunk by the factor 1 - lr weight_decay, which m and v do not see.

    state: Adam's. Source: Loshchilov & Hutter 2019, Decoupled weight decay regularization, algorithm 2, where the
    decay is multiplied by the schedule but not by the rate; in Paddle's AdamW it is by both, as here.
    """
    return adam((1 - lr * weight_decay) * w, g, state, lr, beta1, beta2, eps)


def nadam(
    w: np.ndarray,
    g: np.ndarray,
    state: State = None,
    lr: Rate = 0.002,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    psi: float = 0.004,
) -> tuple[np.ndarray, State]:
    """Adam that looks ahead as Nesterov does: the next step's share of m, and this gradient in full.

    state: t, m, v, and the product of the momenta mu_1 ... mu_t, which rise from beta1 / 2 to beta1 by mu_t = beta1 (1
    - 0.96^(psi t) / 2). Source: Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2. There m itself
    takes mu_t, and v_hat a further factor beta2; Paddle's NAdam has beta1 in m and Adam's v_hat, as here.
    """
    t, m, v, product = state or (0, np.zeros_like(w), np.zeros_like(w), 1.0)
    t, m, v = t + 1, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (psi * k)) for k in (t, t + 1))
    product = product * mu
    m_hat = ahead * m / (1 - product * ahead) + (1 - mu) * g / (1 - product)
    return w - lr * m_hat / (np.sqrt(v / (1 - beta2**t)) + eps), (t, m, v, product)
