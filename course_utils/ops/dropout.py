"""Dropout (丢弃法): switch values off at random in training, and make up for it, there or in evaluation.

With a mask m of zeros and ones, each value one with probability 1 - p (Hinton et al. 2012, arXiv:1207.0580;
Srivastava et al. 2014, JMLR 15, section 4):

    mode                  training            evaluation
    upscale_in_train      y = m x / (1 - p)   y = x
    downscale_in_infer    y = m x             y = (1 - p) x

Both have the same mean in training as in evaluation. Arrays of NumPy or tensors, which keep their gradients.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["MODES", "dropout", "dropout_mask"]

MODES = ("upscale_in_train", "downscale_in_infer")


def dropout(
    x: Any,
    p: float = 0.5,
    mode: str = "upscale_in_train",
    training: bool = True,
    *,
    mask: Any = None,
    generator: np.random.Generator | None = None,
    whole_maps: bool = False,
) -> Any:
    """Dropout of x, an array or a tensor of any shape; the same shape and dtype come back.

    p: the probability of zero, 0 <= p < 1. mask: zeros and ones that broadcast to x; or generator: draws it, as
    `dropout_mask` does, with whole_maps as in Paddle's Dropout2D. Evaluation needs neither.
    Raises ValueError for a p outside [0, 1), an unknown mode, a mask that does not fit, or none to train with.
    """
    _check_probability(p)
    if mode not in MODES:
        nearest = difflib.get_close_matches(str(mode), MODES, n=1, cutoff=0)[0]
        raise ValueError(f"dropout has no mode {mode!r}: did you mean {nearest!r}? The two are {' and '.join(MODES)}")
    upscale = mode == "upscale_in_train"
    if not training:
        return x if upscale else x * (1 - p)
    if mask is None:
        if generator is None:
            raise ValueError("dropout in training has neither mask nor generator: give one of them")
        mask = dropout_mask(x.shape, p, generator, whole_maps)
    kept = x * _like(x, mask)
    return kept / (1 - p) if upscale else kept


def dropout_mask(
    shape: Sequence[int], p: float, generator: np.random.Generator, whole_maps: bool = False
) -> np.ndarray:
    """A mask, float32: 0 with probability p, else 1, independently for each value.

    whole_maps: one draw for each map of [N, C, H, W], so the mask is [N, C, 1, 1] and broadcasts (Tompson et al.
    2015, arXiv:1411.4280, section 3.2).
    Raises ValueError for a p outside [0, 1), or whole maps of a shape that has none.
    """
    _check_probability(p)
    if whole_maps:
        if len(shape) != 4:
            raise ValueError(f"whole maps are dropped from [N, C, H, W], not from {list(shape)}: use whole_maps=False")
        shape = (shape[0], shape[1], 1, 1)
    return (generator.random(tuple(shape)) >= p).astype(np.float32)


def _check_probability(p: float) -> None:
    if not 0 <= p < 1:
        raise ValueError(f"dropout with p = {p} has nothing to keep, or p is no probability: use 0 <= p < 1")


def _like(x: Any, mask: Any) -> Any:
    """The mask in x's dtype, a tensor where x is one."""
    values = np.asarray(mask)
    if not np.isin(values, (0, 1)).all():
        raise ValueError("the mask has values other than 0 and 1: 1 keeps, 0 drops; dropout does the scaling")
    sizes = list(values.shape)
    fits = len(sizes) <= x.ndim and all(
        own in (1, full) for own, full in zip(sizes[::-1], list(x.shape)[::-1], strict=False)
    )
    if not fits:
        raise ValueError(f"a mask of shape {sizes} does not fit x {list(x.shape)}: use the same, or 1 to share")
    if isinstance(x, np.ndarray):
        return values.astype(x.dtype)
    import paddle

    return paddle.to_tensor(values).astype(x.dtype)
