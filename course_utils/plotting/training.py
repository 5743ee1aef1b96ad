"""Learning curves, once at the end or live while a net trains."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

__all__ = ["LiveCurves", "learning_curves"]


class _Plain(LogFormatter):
    """Labels a logarithmic axis with 2.6 where Matplotlib's own writes 2.6 × 10⁰."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def learning_curves(history: Any, message: str = "") -> Figure:
    """Training loss of every step (its running mean over 50 steps) and, by epoch, what validation says.

    history: what `Trainer.fit` returns, with at least one epoch.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    losses = np.array(history.step_losses)
    epochs = history.column("epoch")
    steps = np.arange(1, len(losses) + 1) * epochs[-1] / len(losses)  # in epochs, to share the axis
    window = max(1, min(50, len(losses) // 5))
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    left.plot(steps, losses, "-", color="C0", alpha=0.2, linewidth=0.8, label="training, each batch")
    left.plot(steps[window - 1 :], smooth, "-", color="C0", label=f"training, mean of {window}")
    if history.rows[-1].valid_loss is not None:
        left.plot(epochs, history.column("valid_loss"), "o--", color="C1", label="validation")
        right.plot(epochs, 100 * np.array(history.column("valid_accuracy")), "o--", color="C1", label="validation")
        right.set_title("validation accuracy")
        right.set(xlabel="epoch", ylabel="%", xticks=epochs[:: max(1, len(epochs) // 10)])
    else:
        right.axis("off")
    left.set_title(message or "loss")
    left.set(xlabel="epoch", ylabel="cross entropy", yscale="log")
    left.yaxis.set_major_formatter(_Plain())
    left.yaxis.set_minor_formatter(_Plain())
    left.legend()
    return figure


class LiveCurves:
    """A callback for `Trainer(callbacks=[LiveCurves()])`: redraws the curves in place after every epoch."""

    def __init__(self) -> None:
        self._display: Any = None

    def __call__(self, trainer: Any, history: Any) -> None:
        from IPython.display import display

        figure = learning_curves(history)
        if self._display is None:
            self._display = display(figure, display_id=True)
        else:
            self._display.update(figure)
        plt.close(figure)
