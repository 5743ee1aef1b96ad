"""A moving average of a net's weights: steadier than the weights themselves, which jump about with every batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import paddle

__all__ = ["Average"]


class Average:
    """Exponential moving average of the parameters and running statistics of a net: a <- d a + (1 - d) w.

    d is `decay`, but n / (n + 9) in update n (from 0) while that is less: so the first update copies, and the beginning
    is soon forgotten. BatchNorm's statistics are averaged like the weights they belong to; whole numbers are copied.
    A decay of 0.999 looks back about 1,000 updates. Source: Polyak, Juditsky: Acceleration of stochastic approximation
    by averaging, 1992; in this form Szegedy et al., 2016, section 8.
    Raises ValueError for a decay outside 0 to 1.
    """

    def __init__(self, net: paddle.nn.Layer, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay {decay} keeps no average: use 0 to below 1, such as 0.999")
        self.decay, self.updates = decay, 0
        self._weights = net.state_dict()
        self.tensors = {name: tensor.detach().clone() for name, tensor in self._weights.items()}

    @paddle.no_grad()
    def update(self) -> None:
        """Take in the net's weights as they are now."""
        new = 1 - min(self.decay, self.updates / (self.updates + 9))
        for name, average in self.tensors.items():
            weight = self._weights[name]
            if self.updates and average.is_floating_point():
                average.add_((weight - average) * new)  # lerp_ does the same in ten times the time
            else:
                paddle.assign(weight, average)
        self.updates += 1

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """In this block the net has the average's weights, after it its own again; before any update both are one."""
        if not self.updates:
            yield
            return
        own = {name: weight.detach().clone() for name, weight in self._weights.items()}
        try:
            self._fill(self.tensors)
            yield
        finally:
            self._fill(own)

    @paddle.no_grad()
    def _fill(self, tensors: dict[str, paddle.Tensor]) -> None:
        for name, weight in self._weights.items():
            paddle.assign(tensors[name], weight)
