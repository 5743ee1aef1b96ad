"""One operator written seven ways, from four Python loops to Paddle's own: the speed ladder of chapter 01.

All compute the cross-correlation that deep learning calls convolution (Goodfellow, Bengio & Courville 2016,
equation 9.6):

    y[n, p, i, j] = b[p] + sum over d, u, v of  w[p, d, u, v] x[n, d, s i + e u, s j + e v]

with stride s, dilation e and x padded by zeros. Shapes: x [N, D, H, W], w [P, D / groups, U, V], b [P],
y [N, P, H', W']. The NumPy rungs keep the dtype of x; the two Paddle rungs take tensors and have gradients.
Every rung raises ValueError for shapes that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.arithmetic import Extent, Padding, conv2d_cost, pad_amounts

__all__ = [
    "LADDER",
    "conv2d_einsum",
    "conv2d_four_loops",
    "conv2d_im2col",
    "conv2d_native",
    "conv2d_shift_and_add",
    "conv2d_two_loops",
    "conv2d_unfold",
]

Pair = tuple[int, int]
# A rung's own lines: padded x [N, D, H, W], w [P, D, U, V], stride, dilation, output size -> y [N, P, H', W'].
Core = Callable[[np.ndarray, np.ndarray, Pair, Pair, Pair], np.ndarray]


def rung(core: Core) -> Callable[..., np.ndarray]:
    """Give a rung what all share: checks, zero padding, groups and bias."""

    @wraps(core)
    def conv2d(
        x: np.ndarray,
        w: np.ndarray,
        b: np.ndarray | None = None,
        stride: Extent = 1,
        padding: Padding = 0,
        dilation: Extent = 1,
        groups: int = 1,
    ) -> np.ndarray:
        x, w = np.asarray(x), np.asarray(w)
        pads, out = _geometry(x.shape, w.shape, b, stride, padding, dilation, groups)
        padded = np.pad(x, ((0, 0), (0, 0), *pads))
        parts = [
            core(x_group, w_group, _pair(stride), _pair(dilation), out)
            for x_group, w_group in zip(np.split(padded, groups, axis=1), np.split(w, groups), strict=True)
        ]
        y = np.concatenate(parts, axis=1) if groups > 1 else parts[0]
        return y if b is None else y + np.reshape(b, (-1, 1, 1))

    return conv2d


@rung
def conv2d_four_loops(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, out: Pair) -> np.ndarray:
    """Loop over output rows, output columns, kernel rows and kernel columns."""
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for i, j in product(range(out[0]), range(out[1])):
        for u, v in product(range(w.shape[2]), range(w.shape[3])):
            pixel = x[:, :, stride[0] * i + dilation[0] * u, stride[1] * j + dilation[1] * v]  # [N, D]
            y[:, :, i, j] += pixel @ w[:, :, u, v].T
    return y


@rung
def conv2d_two_loops(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, out: Pair) -> np.ndarray:
    """Loop over output rows and columns; one product of a window with all kernels inside."""
    reach = reach_of(w, dilation)
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for i, j in product(range(out[0]), range(out[1])):
        top, left = stride[0] * i, stride[1] * j
        window = x[:, :, top : top + reach[0] : dilation[0], left : left + reach[1] : dilation[1]]
        y[:, :, i, j] = np.tensordot(window, w, axes=((1, 2, 3), (1, 2, 3)))  # [N, P]
    return y


@rung
def conv2d_shift_and_add(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, out: Pair) -> np.ndarray:
    """Loop over pictures and kernel: shift a whole picture, mix its channels by one matrix, add."""
    N, D, H, W = x.shape
    after = dilation[1] * (w.shape[3] - 1)  # zeros for the window that runs over the end
    line = np.pad(x.reshape(N, D, H * W), ((0, 0), (0, 0), (0, after)))  # a shift by u rows, v columns is one offset
    taps = np.ascontiguousarray(np.moveaxis(w, (2, 3), (0, 1)))  # [U, V, P, D]
    rows, columns = stride[0] * (out[0] - 1) + 1, stride[1] * (out[1] - 1) + 1
    y = np.zeros((N, len(w), rows * W), np.result_type(x, w))
    for n, u, v in product(range(N), range(w.shape[2]), range(w.shape[3])):  # one picture at a time fits in the cache
        offset = dilation[0] * u * W + dilation[1] * v
        y[n] += taps[u, v] @ line[n, :, offset : offset + rows * W]  # [P, D] @ [D, rows W]
    return y.reshape(N, len(w), rows, W)[:, :, :: stride[0], : columns : stride[1]]


@rung
def conv2d_einsum(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, out: Pair) -> np.ndarray:
    """No loop: a view of all windows, contracted by einsum, which hands the work to a matrix product."""
    return np.einsum("ndijuv,pduv->npij", windows_of(x, w, stride, dilation), w, optimize=True)


@rung
def conv2d_im2col(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, out: Pair) -> np.ndarray:
    """Copy every window into a column, then one matrix product (Chellapilla, Puri & Simard 2006)."""
    windows = windows_of(x, w, stride, dilation)  # [N, D, H', W', U, V]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), -1, out[0] * out[1])  # [N, D U V, H' W']
    return (w.reshape(len(w), -1) @ columns).reshape(len(x), len(w), *out)


def conv2d_unfold(
    x: Any,
    w: Any,
    b: Any = None,
    stride: Extent = 1,
    padding: Padding = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Any:
    """The same as im2col, built of Paddle's operators: runs on any device and has gradients."""
    import paddle
    import paddle.nn.functional as F

    pads, out = _geometry(x.shape, w.shape, b, stride, padding, dilation, groups)
    (top, bottom), (left, right) = pads
    columns = F.unfold(x, list(w.shape[2:]), _pair(stride), [top, left, bottom, right], _pair(dilation))
    columns = columns.reshape([x.shape[0], groups, -1, out[0] * out[1]])  # [N, G, D/G U V, H' W']
    # The leading 1 is for Paddle's matmul, whose gradient fails on operands of different rank.
    kernels = w.reshape([1, groups, w.shape[0] // groups, -1])  # [1, G, P/G, D/G U V]
    y = paddle.matmul(kernels, columns).reshape([x.shape[0], w.shape[0], *out])
    return y if b is None else y + b.reshape([-1, 1, 1])


def conv2d_native(
    x: Any,
    w: Any,
    b: Any = None,
    stride: Extent = 1,
    padding: Padding = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Any:
    """Paddle's own convolution, called with our arguments."""
    import paddle.nn.functional as F

    pads, _ = _geometry(x.shape, w.shape, b, stride, padding, dilation, groups)
    sides = [[0, 0], [0, 0], *map(list, pads)]
    return F.conv2d(x, w, b, _pair(stride), sides, _pair(dilation), groups)


LADDER: dict[str, Callable[..., Any]] = {
    "four loops": conv2d_four_loops,
    "two loops": conv2d_two_loops,
    "shift and add": conv2d_shift_and_add,
    "windows + einsum": conv2d_einsum,
    "im2col + matmul": conv2d_im2col,
    "paddle unfold": conv2d_unfold,
    "paddle native": conv2d_native,
}


def _geometry(
    x_shape: Any, w_shape: Any, b: Any, stride: Extent, padding: Padding, dilation: Extent, groups: int
) -> tuple[tuple[Pair, Pair], Pair]:
    """Pads per side and output size; ValueError where the shapes do not fit."""
    cost = conv2d_cost(tuple(x_shape), tuple(w_shape), stride, padding, dilation, groups)
    if b is not None and list(b.shape) != [w_shape[0]]:
        raise ValueError(f"bias of shape {list(b.shape)} does not fit {w_shape[0]} kernels: use shape [{w_shape[0]}]")
    pads = pad_amounts(tuple(x_shape[2:]), tuple(w_shape[2:]), stride, padding, dilation)
    return pads, (cost.output_shape[2], cost.output_shape[3])


def windows_of(x: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair) -> np.ndarray:
    """A view, no copy, of every window: [N, D, H', W', U, V]."""
    windows = sliding_window_view(x, reach_of(w, dilation), axis=(2, 3))  # type: ignore[call-overload]  # numpy 2.2's stub
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def reach_of(w: np.ndarray, dilation: Pair) -> Pair:
    """Pixels that a dilated kernel spans."""
    return dilation[0] * (w.shape[2] - 1) + 1, dilation[1] * (w.shape[3] - 1) + 1


def _pair(value: Extent) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
