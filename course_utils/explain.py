"""What a trained or untrained network does with one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import paddle
from paddle import nn

__all__ = ["effective_receptive_field", "feature_maps"]


def feature_maps(net: nn.Layer, x: Any, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """The outputs of the named sublayers for input x, in the order in which the net computes them.

    x: tensor [N, C, H, W]. layers: names as in `net.named_sublayers()`. Each map keeps its layer's shape, float32.
    Raises ValueError for a name that the net does not have.
    """
    found = dict(net.named_sublayers())
    if unknown := [name for name in layers if name not in found]:
        raise ValueError(f"{type(net).__name__} has no layer {unknown[0]!r}: use {', '.join(found)}")
    maps: dict[str, np.ndarray] = {}

    def keep(name: str) -> Callable[[nn.Layer, Any, Any], None]:
        return lambda layer, inputs, output: maps.update({name: output.numpy()})

    handles = [found[name].register_forward_post_hook(keep(name)) for name in layers]
    try:
        with paddle.no_grad():
            net(x)
    finally:
        for handle in handles:
            handle.remove()
    return maps


def effective_receptive_field(
    make_net: Callable[[], nn.Layer], input_shape: Sequence[int], repeats: int = 20
) -> np.ndarray:
    """How strongly each input pixel moves the centre of the output, averaged over fresh random nets and inputs.

    make_net: builds a net [1, C, H, W] -> [1, P, H', W'] with new random weights. Returns the mean over repeats
    and channels of |d (sum of the P central outputs) / d input|, [H, W], scaled to a largest value of 1.
    Source: Luo, Li, Urtasun & Zemel 2016, section 3.
    """
    total = np.zeros(tuple(input_shape[2:]))
    for _ in range(repeats):
        x = paddle.randn(list(input_shape))
        x.stop_gradient = False
        y = make_net()(x)
        if y.ndim != 4:
            raise ValueError(f"the net must end in feature maps [N, P, H', W'], not {list(y.shape)}")
        (gradient,) = paddle.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
        total += np.abs(gradient.numpy()[0]).mean(axis=0)
    return total / total.max()
