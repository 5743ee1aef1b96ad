"""How a student's object is called, by name: these run beside the student's code, and return values for the grader.

A driver takes the object and the arguments. It may build a net from the student's class and run it; what it returns is
the answer that the question's oracle is compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["DRIVERS"]


def plain(function: Callable[..., Any], *args: Any) -> Any:
    """The function's own return value."""
    return function(*args)


def network(make: Callable[..., Any], sizes: tuple[Any, ...], weights: list[np.ndarray], x: np.ndarray) -> Any:
    """Build the student's net as make(*sizes), put weights in, and run it on x in evaluation mode.

    Returns the shapes of its trainable parameters in their order, and the output; weights: one array for each of them,
    and where their shapes differ from the net's the output is missing.
    """
    import paddle

    net = make(*sizes)
    net.eval()
    trainable = [parameter for parameter in net.parameters() if not parameter.stop_gradient]
    shapes = [list(parameter.shape) for parameter in trainable]
    if shapes != [list(array.shape) for array in weights]:
        return {"shapes": shapes}
    for parameter, array in zip(trainable, weights, strict=True):
        parameter.set_value(array)
    with paddle.no_grad():
        return {"shapes": shapes, "output": net(paddle.to_tensor(x))}


DRIVERS: dict[str, Callable[..., Any]] = {"plain": plain, "network": network}
