"""Where in a picture a net found what it answered, and a control that tells such maps from decoration."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from scipy.stats import spearmanr

from course_utils.modes import evaluating

__all__ = ["grad_cam", "occlusion_map", "randomized", "rank_agreement"]


def grad_cam(net: nn.Layer, x: Any, layer: str, target: int = 0) -> np.ndarray:
    """Where the feature maps of a layer speak for output `target`, float32 [N, H, W], 0 or more.

    x: what the net takes, [N, C, H, W]; layer: a name of `net.named_sublayers()` whose output is [N, P, h, w];
    target: the column of the logits [N, K]. relu(sum_p a_p A_p) with the maps A_p and the mean over places a_p of
    d logit / d A_p, enlarged from h x w by bilinear interpolation: it cannot be finer than the layer is.
    Source: Selvaraju et al.: Grad-CAM, 2017, equations 1 and 2.
    Raises ValueError for a layer that the net does not have, or that has no maps.
    """
    found = dict(net.named_sublayers())
    if layer not in found:
        raise ValueError(f"{type(net).__name__} has no layer {layer!r}: use one of {', '.join(found)}")
    kept: list[paddle.Tensor] = []
    handle = found[layer].register_forward_post_hook(lambda layer, inputs, output: kept.append(output))
    try:
        with evaluating(net), paddle.enable_grad():
            logits = net(x)
            if not kept or kept[0].ndim != 4:
                raise ValueError(f"layer {layer!r} gives no maps [N, P, h, w]: use a convolution or a stage of them")
            (slopes,) = paddle.grad(logits[:, target].sum(), kept[0])
    finally:
        handle.remove()
    weights = slopes.mean(axis=[2, 3], keepdim=True)  # [N, P, 1, 1]
    coarse = F.relu((weights * kept[0].detach()).sum(axis=1, keepdim=True))  # [N, 1, h, w]
    return F.interpolate(coarse, size=list(x.shape[2:]), mode="bilinear").numpy()[:, 0]


def occlusion_map(
    net: nn.Layer, x: Any, size: int = 32, stride: int = 16, fill: float = 0.0, target: int = 0
) -> np.ndarray:
    """How far output `target` falls when a square over each place is covered, float32 [N, H, W], of either sign.

    The square of size x size moves by `stride`, and so that it ends at the border; a pixel has the mean over the
    squares that cover it. fill: the value that covers, such as 0 where pictures are standardized.
    Source: Zeiler, Fergus: Visualizing and understanding convolutional networks, 2014, section 4.2.
    Raises ValueError for a square larger than the picture or a stride that leaves gaps.
    """
    height, width = x.shape[2:]
    if not 1 <= stride <= size <= min(height, width):
        raise ValueError(
            f"a square of {size} in steps of {stride} does not scan {height} x {width}: use stride <= size"
        )
    fall, covered = np.zeros((len(x), height, width)), np.zeros((height, width))
    with evaluating(net):
        whole = net(x)[:, target]
        for top in _starts(height, size, stride):
            for left in _starts(width, size, stride):
                hidden = x.clone()
                hidden[:, :, top : top + size, left : left + size] = fill
                here = slice(top, top + size), slice(left, left + size)
                fall[:, here[0], here[1]] += (whole - net(hidden)[:, target]).numpy()[:, None, None]
                covered[here] += 1
    return (fall / covered).astype(np.float32)


def randomized(net: nn.Layer, x: Any, seed: int = 0) -> nn.Layer:
    """A copy of the net that has learned nothing: the control for maps. What looks the same for it shows no knowledge.

    Every kernel and matrix is drawn anew, normal around 0 and as large as it was (root mean square); vectors stay, and
    BatchNorm measures its statistics again on the batch x, so that the copy's maps are of ordinary size.
    Source: Adebayo et al.: Sanity checks for saliency maps, 2018, section 3 (all layers at once).
    """
    twin = copy.deepcopy(net)
    generator = np.random.default_rng(seed)
    for parameter in twin.parameters():
        if parameter.ndim > 1:
            values = parameter.numpy()
            drawn = generator.normal(0, np.sqrt((values**2).mean()), values.shape)
            parameter.set_value(drawn.astype(values.dtype))
    norms = [layer for layer in twin.sublayers() if isinstance(layer, nn.BatchNorm1D | nn.BatchNorm2D)]
    kept = [layer._momentum for layer in norms]
    for layer in norms:
        layer._momentum = 0.0  # the share of the old statistics that stays
        layer.train()
    with paddle.no_grad():
        twin(x)
    for layer, momentum in zip(norms, kept, strict=True):
        layer._momentum = momentum
    twin.eval()
    return twin


def rank_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two maps, pixel by pixel: 1 the same order, 0 none, -1 the reverse.

    first, second: [H, W], or [K] for the same K of their pixels, such as those where there is an eye.
    A map that is constant orders nothing, so it agrees with none: 0. Raises ValueError for maps of different shape.
    """
    if first.shape != second.shape:
        raise ValueError(f"the maps are {list(first.shape)} and {list(second.shape)}: give two of one shape")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Where squares begin, so that the last one ends at the border."""
    return sorted({*range(0, length - size, stride), length - size})
