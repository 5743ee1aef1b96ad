"""Max and average pooling (汇聚), built of Paddle's operators: any device, with gradients, no parameters."""

from __future__ import annotations

from typing import Any

from course_utils.arithmetic import Extent, conv_output_size

__all__ = ["avg_pool2d", "max_pool2d"]


def max_pool2d(x: Any, kernel_size: Extent, stride: Extent | None = None, padding: Extent = 0) -> Any:
    """The largest value of each window. x: [N, C, H, W] -> [N, C, H', W'], floating point.

    stride: kernel_size where None. padding: pixels per side, never the largest (they count as -infinity).
    Raises ValueError for an impossible shape. Source: Weng, Ahuja & Huang 1992; Ranzato et al. 2007.
    """
    return _windows(x, kernel_size, stride, padding, fill=float("-inf")).max(axis=2)


def avg_pool2d(
    x: Any, kernel_size: Extent, stride: Extent | None = None, padding: Extent = 0, exclusive: bool = True
) -> Any:
    """The mean of each window. x: [N, C, H, W] -> [N, C, H', W'], floating point.

    exclusive: padded pixels do not count, as in Paddle; otherwise they count as zeros.
    Raises ValueError for an impossible shape. Source: LeCun et al. 1998, section II.B, without its trained
    coefficient and bias.
    """
    import paddle

    windows = _windows(x, kernel_size, stride, padding, fill=0.0)
    if not exclusive:
        return windows.mean(axis=2)
    inside = _windows(paddle.ones_like(x[:1, :1]), kernel_size, stride, padding, fill=0.0)
    return windows.sum(axis=2) / inside.sum(axis=2)


def _windows(x: Any, kernel_size: Extent, stride: Extent | None, padding: Extent, fill: float) -> Any:
    """Every window as a column: [N, C, U V, H', W']."""
    import paddle.nn.functional as F

    if x.ndim != 4:
        raise ValueError(f"pooling takes [N, C, H, W], not {list(x.shape)}")
    batch, channels, height, width = x.shape
    stride = kernel_size if stride is None else stride
    out_height, out_width = conv_output_size((height, width), _pair(kernel_size), _pair(stride), _pair(padding))
    rows, columns = _pair(padding)
    padded = F.pad(x, [columns, columns, rows, rows], value=fill)  # Paddle names the last axis first
    windows = F.unfold(padded, _pair(kernel_size), _pair(stride))  # [N, C U V, H' W']
    return windows.reshape([batch, channels, -1, out_height, out_width])


def _pair(value: Extent) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
