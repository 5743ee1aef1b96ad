"""Convolution arithmetic in plain integers: output size, padding, parameters, operations, receptive field.

One convention for counting, used everywhere in the course: a multiply-accumulate (MAC) is one multiplication
with the addition that follows it. Multiplications and additions are also counted apart, for the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import overload

__all__ = [
    "ConvCost",
    "Extent",
    "ReceptiveField",
    "conv2d_cost",
    "conv_output_size",
    "pad_amounts",
    "receptive_field",
]

Extent = int | tuple[int, int]
Padding = int | str | Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True)
class ConvCost:
    """What one convolution costs; the batch is included in all counts but `parameters`.

    output_shape: (N, P, H', W'). parameters: weights and biases. macs: multiply-accumulates, without the bias.
    multiplications, additions: scalar operations, the bias's additions included where there is one.
    """

    output_shape: tuple[int, int, int, int]
    parameters: int
    macs: int
    multiplications: int
    additions: int


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel sees: `size` input pixels along an axis, and `jump` between two neighbours' views."""

    size: int
    jump: int


@overload
def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int | str = 0, dilation: int = 1) -> int: ...
@overload
def conv_output_size(
    size: tuple[int, int], kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1
) -> tuple[int, int]: ...
def conv_output_size(
    size: Extent, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1
) -> Extent:
    """Output size of a convolution or pooling: floor((size + pads - dilation (kernel - 1) - 1) / stride) + 1.

    Every argument is an int or a (height, width) pair; the result is an int if all of them are ints.
    padding may also be "valid" (none), "same" (output = ceil(size / stride), the odd pixel after), or a pair of
    (before, after) pairs. Pixels throughout. Source: Dumoulin & Visin 2016, relationship 14.
    Raises ValueError for an impossible shape.

    >>> conv_output_size(32, 3)
    30
    >>> conv_output_size((224, 200), 11, stride=4, padding=2)
    (55, 49)
    >>> conv_output_size(100, 10, padding=((4, 5), (4, 5)))
    (100, 100)
    """
    sizes, kernels = _pair("size", size, 1), _pair("kernel", kernel, 1)
    strides, dilations = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    pads = pad_amounts(sizes, kernels, strides, padding, dilations)
    out = tuple(map(_output_size, sizes, kernels, strides, pads, dilations))
    plain = all(isinstance(value, int) for value in (size, kernel, stride, dilation))
    return out[0] if plain and isinstance(padding, int | str) else (out[0], out[1])


def pad_amounts(
    size: Extent, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels that `padding` adds: ((top, bottom), (left, right)).

    "same" pads as TensorFlow and Paddle do: the smallest total that gives ceil(size / stride), its odd pixel
    at the bottom and right. Dilation counts in our "same"; Paddle sets dilation to 1 there.

    >>> pad_amounts(100, 10, padding="same")
    ((4, 5), (4, 5))
    """
    sizes, kernels = _pair("size", size, 1), _pair("kernel", kernel, 1)
    strides, dilations = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    if isinstance(padding, str):
        if padding.lower() not in ("same", "valid"):
            raise ValueError(f"padding {padding!r} is not known: use 'same', 'valid' or numbers of pixels")
        if padding.lower() == "valid":
            return (0, 0), (0, 0)
        totals = [
            max((-(-s // st) - 1) * st + d * (k - 1) + 1 - s, 0)
            for s, k, st, d in zip(sizes, kernels, strides, dilations, strict=True)
        ]
        return (totals[0] // 2, -(-totals[0] // 2)), (totals[1] // 2, -(-totals[1] // 2))
    if isinstance(padding, Sequence) and any(isinstance(side, Sequence) for side in padding):
        if len(padding) != 2:
            raise ValueError(f"padding {padding!r} is not known: use ((top, bottom), (left, right))")
        (top, bottom), (left, right) = (_pair("padding", side, 0) for side in padding)
        return (top, bottom), (left, right)
    height, width = _pair("padding", padding, 0)
    return (height, height), (width, width)


def conv2d_cost(
    input_shape: Sequence[int],
    kernel_shape: Sequence[int],
    stride: Extent = 1,
    padding: Padding = 0,
    dilation: Extent = 1,
    groups: int = 1,
    bias: bool = True,
) -> ConvCost:
    """Count a 2-D convolution.

    input_shape: (N, D, H, W). kernel_shape: (P, D / groups, U, V). An output value takes D/groups*U*V
    multiplications and one addition fewer, or as many with a bias.
    Raises ValueError when the shapes do not fit.

    >>> conv2d_cost((10, 3, 224, 224), (64, 3, 3, 3), padding=1, bias=False).multiplications
    867041280
    """
    batch, channels, height, width = _shape("input_shape", input_shape)
    filters, depth, rows, columns = _shape("kernel_shape", kernel_shape)
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(f"groups {groups} must divide the {channels} input channels and the {filters} kernels")
    if depth * groups != channels:
        raise ValueError(
            f"a kernel of depth {depth} with groups {groups} needs {depth * groups} input channels, not {channels}"
        )
    out_height, out_width = conv_output_size((height, width), (rows, columns), stride, padding, dilation)
    window = depth * rows * columns
    values = batch * filters * out_height * out_width
    return ConvCost(
        output_shape=(batch, filters, out_height, out_width),
        parameters=filters * window + (filters if bias else 0),
        macs=values * window,
        multiplications=values * window,
        additions=values * (window if bias else window - 1),
    )


def receptive_field(layers: Iterable[Sequence[int]]) -> ReceptiveField:
    """Receptive field (感受野) of one output pixel through layers of (kernel, stride) or (kernel, stride, dilation).

    Recurrence from the input on: r <- r + dilation (kernel - 1) j, then j <- j stride, from r = j = 1.
    Pooling counts as a layer. Source: Araujo, Norris & Sim 2019, equation 2.

    >>> receptive_field([(3, 1), (3, 1)])
    ReceptiveField(size=5, jump=1)
    """
    size = jump = 1
    for number, layer in enumerate(layers, start=1):
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(
                f"layer {number} is {tuple(layer)}: use (kernel, stride) or (kernel, stride, dilation), each at least 1"
            )
        kernel, stride, dilation = (*layer, 1)[:3]
        size += dilation * (kernel - 1) * jump
        jump *= stride
    return ReceptiveField(size, jump)


def _output_size(size: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    padded, reach = size + sum(pads), dilation * (kernel - 1) + 1
    if reach > padded:
        kernel_name = (
            f"kernel {kernel}" if dilation == 1 else f"kernel {kernel} with dilation {dilation} (reach {reach})"
        )
        per_side = -(-(reach - size) // 2)
        raise ValueError(f"{kernel_name} is larger than the padded input {padded}: use padding >= {per_side}")
    return (padded - reach) // stride + 1


def _pair(name: str, value: object, least: int) -> tuple[int, int]:
    """An int for both axes, or a (height, width) pair, checked."""
    pair = (value, value) if isinstance(value, int) else value
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(v, int) for v in pair):
        raise ValueError(f"{name} {value!r} is not known: use a whole number or a pair of them")
    if min(pair) < least:
        raise ValueError(f"{name} {value!r} must be at least {least}")
    return pair[0], pair[1]


def _shape(name: str, shape: Sequence[int]) -> Sequence[int]:
    if len(shape) != 4 or prod(shape) <= 0 or min(shape) < 1:
        raise ValueError(f"{name} {tuple(shape)} must be four whole numbers of at least 1")
    return shape
