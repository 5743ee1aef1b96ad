"""A network that reads a sequence to its end and then says one of several classes."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

__all__ = ["SequenceClassifier"]

LAYERS = {"simple": nn.SimpleRNN, "gru": nn.GRU, "lstm": nn.LSTM}


class SequenceClassifier(nn.Layer):
    """A recurrent layer, and a linear layer on its last state: x [N, T, D], or images [N, 1, T, D] read row by row
    -> logits [N, K].

    kind: "simple", "gru" or "lstm". keep: a start for the gate that keeps the state, LSTM's forget gate f or GRU's
    update gate z: the bias that is added to its sum (Gers et al. 2000; 1 in Jozefowicz et al. 2015; about log T for a
    lag of T steps in Tallec & Ollivier 2018). orthogonal: start the weights on the state as random rotations or
    reflections, block by block (Saxe et al. 2014), instead of Paddle's uniform distribution.
    Raises ValueError for another kind, or `keep` for a simple cell, which has no gate.
    """

    def __init__(
        self,
        kind: str,
        in_features: int,
        hidden: int,
        classes: int,
        keep: float | None = None,
        orthogonal: bool = False,
    ) -> None:
        super().__init__()
        if kind not in LAYERS:
            raise ValueError(f"no recurrent layer is called {kind!r}: use {', '.join(LAYERS)}")
        if keep is not None and kind == "simple":
            raise ValueError("a simple cell has no gate that keeps its state: leave `keep` out, or use gru or lstm")
        self.recurrent = LAYERS[kind](in_features, hidden)
        self.readout = nn.Linear(hidden, classes)
        _, u, bias, _ = self.recurrent.parameters()
        if keep is not None:
            start = bias.numpy()
            start[hidden : 2 * hidden] += keep  # the second block in both of Paddle's orders, i f g o and r z g
            bias.set_value(start)
        if orthogonal:
            blocks = [paddle.linalg.qr(paddle.randn([hidden, hidden]))[0] for _ in range(u.shape[0] // hidden)]
            u.set_value(paddle.concat(blocks))

    def forward(self, x: paddle.Tensor, lengths: Sequence[int] | None = None) -> paddle.Tensor:
        """lengths: how many steps of each sequence are real, 1 to T [N]; all where it is not given."""
        ends = None if lengths is None else paddle.to_tensor(lengths)
        _, last = self.recurrent(_steps(x), sequence_length=ends)
        h = last[0] if isinstance(last, tuple) else last  # [1, N, H]
        return self.readout(h[0])

    def every_step(self, x: paddle.Tensor) -> paddle.Tensor:
        """What it would say after each step, logits [N, T, K]."""
        return self.readout(self.recurrent(_steps(x))[0])


def _steps(x: paddle.Tensor) -> paddle.Tensor:
    """Images [N, 1, T, D] as sequences of their rows [N, T, D]; sequences as they are."""
    return x.squeeze(1) if x.ndim == 4 else x
