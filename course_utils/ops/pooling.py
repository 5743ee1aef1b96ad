"""Max and average pooling (汇聚), built of Paddle's operators: any device, with gradients, no parameters."""

from __future__ import annotations

from typing import Any

from course_utils.arithmetic import Extent, conv_output_size

__all__ = ["avg_pool2d", "max_pool2d"]

Sides = tuple[tuple[int, int], tuple[int, int]]  # pixels ((top, bottom), (left, right))


def max_pool2d(
    x: Any, kernel_size: Extent, stride: Extent | None = None, padding: Extent = 0, ceil_mode: bool = False
) -> Any:
    """The largest value of each window. x: [N, C, H, W] -> [N, C, H', W'], floating point.

    stride: kernel_size where None. padding: pixels per side, never the largest (they count as -infinity).
    ceil_mode: a last window that begins inside and reaches beyond the edge counts too.
    Raises ValueError for an impossible shape, and where a window would hold no pixel at all (Paddle gives the
    lowest float32 there). Source: Weng, Ahuja & Huang 1992; Ranzato et al. 2007.
    """
    kernel, steps, sides, beyond = _geometry(x, kernel_size, stride, padding, ceil_mode)
    padded = _pad(_pad(x, sides, float("-inf")), beyond, float("-inf"))
    return _windows(padded, kernel, steps).max(axis=2)


def avg_pool2d(
    x: Any,
    kernel_size: Extent,
    stride: Extent | None = None,
    padding: Extent = 0,
    ceil_mode: bool = False,
    exclusive: bool = True,
) -> Any:
    """The mean of each window. x: [N, C, H, W] -> [N, C, H', W'], floating point.

    stride, padding, ceil_mode: as in `max_pool2d`. exclusive: padded pixels do not count, as in Paddle; otherwise
    they count as zeros. What ceil_mode adds beyond the padding never counts.
    Raises ValueError as `max_pool2d` does. Source: LeCun et al. 1998, section II.B, without its trained
    coefficient and bias.
    """
    import paddle

    kernel, steps, sides, beyond = _geometry(x, kernel_size, stride, padding, ceil_mode)
    sums = _windows(_pad(_pad(x, sides, 0.0), beyond, 0.0), kernel, steps).sum(axis=2)
    counted = _pad(_pad(paddle.ones_like(x[:1, :1]), sides, 0.0 if exclusive else 1.0), beyond, 0.0)
    return sums / _windows(counted, kernel, steps).sum(axis=2)


def _geometry(
    x: Any, kernel_size: Extent, stride: Extent | None, padding: Extent, ceil_mode: bool
) -> tuple[tuple[int, int], tuple[int, int], Sides, Sides]:
    """Kernel, stride, padding, and the pixels beyond it that ceil_mode needs at the bottom and right; checked."""
    if x.ndim != 4:
        raise ValueError(f"pooling takes [N, C, H, W], not {list(x.shape)}")
    size = (int(x.shape[2]), int(x.shape[3]))
    kernel, pads = _pair(kernel_size), _pair(padding)
    steps = kernel if stride is None else _pair(stride)
    conv_output_size(size, kernel, steps, pads)
    extra = [0, 0]
    for axis, (h, k, s, p) in enumerate(zip(size, kernel, steps, pads, strict=True)):
        if p >= k:
            raise ValueError(f"padding {p} would leave a window of {k} without a pixel: use padding < {k}")
        if ceil_mode:
            extra[axis] = -(h + 2 * p - k) % s
            last = h + p - k + extra[axis]  # where the last window begins, counted from the first pixel
            if last >= h:
                raise ValueError(f"ceil_mode would add a window that begins at pixel {last} of {h}: use less padding")
    return kernel, steps, ((pads[0], pads[0]), (pads[1], pads[1])), ((0, extra[0]), (0, extra[1]))


def _pad(x: Any, sides: Sides, fill: float) -> Any:
    """x with `fill` on each side."""
    import paddle.nn.functional as F

    (top, bottom), (left, right) = sides
    return F.pad(x, [left, right, top, bottom], value=fill)  # Paddle names the last axis first


def _windows(x: Any, kernel: tuple[int, int], stride: tuple[int, int]) -> Any:
    """Every window as a column: [N, C, H, W] -> [N, C, U V, H', W']."""
    import paddle.nn.functional as F

    batch, channels, height, width = x.shape
    out = conv_output_size((height, width), kernel, stride)
    return F.unfold(x, kernel, stride).reshape([batch, channels, kernel[0] * kernel[1], *out])


def _pair(value: Extent) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
