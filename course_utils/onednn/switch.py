"""Let Paddle's layers and functions use our convolution for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paddle.nn.functional as F

from course_utils.onednn.convolution import conv2d
from course_utils.onednn.library import Availability, availability
from course_utils.onednn.plan import release_scratch

__all__ = ["fast_convolutions"]

LAYERS_OPERATORS = ("conv2d", "depthwise_conv2d")  # how nn.Conv2D announces itself
SHARED_NAMES = ("bias", "stride", "padding", "dilation", "groups", "data_format")

_paddle_conv_nd = F.conv._conv_nd
_paddle_conv2d = F.conv2d
_lock = threading.Lock()
_inside = 0  # how many are inside `with fast_convolutions()`, in whatever thread
_bfloat16 = False  # what the last who entered asked for


@contextmanager
def fast_convolutions(bfloat16: bool = False) -> Iterator[Availability]:
    """Inside, nn.Conv2D layers and paddle.nn.functional.conv2d run through oneDNN where that is available.

    Gives availability(). May be nested. It holds for all threads while one is inside, as it replaces two names in
    paddle.nn.functional; a conv2d that was imported by name before stays Paddle's. bfloat16: as conv2d has it, for
    what is computed forward inside; its gradients follow.
    """
    outer = _enter(bfloat16)
    try:
        yield availability()
    finally:
        _leave(outer)


def _enter(bfloat16: bool) -> bool:
    """Returns what held for bfloat16 before."""
    global _inside, _bfloat16
    with _lock:
        _inside += 1
        outer, _bfloat16 = _bfloat16, bfloat16
        if _inside == 1 and availability():
            F.conv2d = _functional_conv2d
            F.conv._conv_nd = _layers_convolution
    return outer


def _leave(outer: bool) -> None:
    global _inside, _bfloat16
    with _lock:
        _inside -= 1
        _bfloat16 = outer
        if _inside == 0 and availability():
            F.conv2d, F.conv._conv_nd = _paddle_conv2d, _paddle_conv_nd
            release_scratch()


def _functional_conv2d(*arguments: Any, **named: Any) -> Any:
    if "input" in named:  # Paddle's other name for it
        named["x"] = named.pop("input")
    return conv2d(*arguments, **named, bfloat16=_bfloat16)


def _layers_convolution(*tensors: Any, **named: Any) -> Any:
    """What the forward of nn.Conv2D and nn.Conv3D calls: x and weight by place, the rest by name."""
    if named.get("op_type") not in LAYERS_OPERATORS or named["padding_algorithm"] != "EXPLICIT":
        return _paddle_conv_nd(*tensors, **named)
    return conv2d(*tensors, **{name: named[name] for name in SHARED_NAMES}, bfloat16=_bfloat16)
