"""One convolution, planned once for its shapes and then run many times.

Making a plan takes milliseconds: oneDNN chooses an implementation and layouts and writes machine code for them.
Running it takes three steps: reorder what Paddle gives into those layouts, compute, reorder the result back. What
Paddle's own way does instead, im2col, writes every window out in memory, 9 times the image for a 3x3 kernel, and
hands that to a matrix product; here a window is read where it lies.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import paddle

from course_utils.arithmetic import conv_output_size
from course_utils.onednn.library import OneDNNError, cpu, functions
from course_utils.onednn.primitives import (
    BFLOAT16,
    FLOAT32,
    Argument,
    Layout,
    Memory,
    Primitive,
    Recipe,
    reorder,
    sizes,
)
from course_utils.onednn.scratch import Scratch

__all__ = ["Geometry", "Plan", "plan_for", "release_scratch"]

FORWARD_TRAINING = 64  # dnnl_forward_training
DIRECT = 1  # dnnl_convolution_direct; Winograd's algorithm would be less exact
NO_ATTRIBUTES = None
CPU = paddle.CPUPlace()
PLANS_KEPT = 256  # layers of a network, times the batch sizes of training, its last batch and testing
FLOAT_BYTES = 4

RESULTS = {Argument.Y, Argument.GRAD_X, Argument.GRAD_W, Argument.GRAD_B}
BIASES = {Argument.B, Argument.GRAD_B}  # one-dimensional: they have only one layout

Pair = tuple[int, int]
FourSizes = tuple[int, int, int, int]


class Geometry(NamedTuple):
    """All that a plan depends on: x [N, D, H, W], w [P, D / groups, U, V], and how the window moves over x.

    bfloat16: round what is multiplied to bfloat16, 8 bits of a float32's 24; products are added up in float32.
    """

    x: FourSizes
    w: FourSizes
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    has_bias: bool
    bfloat16: bool = False


class Step:
    """A computation with the reorders around it. shapes: of its arguments, as Paddle has them."""

    def __init__(self, recipe: Recipe, shapes: Mapping[int, Sequence[int]]) -> None:
        if "ref" in recipe.implementation:
            raise OneDNNError("oneDNN has only plain loops for this")
        self.outer = {argument: Memory(Layout.plain(shape)) for argument, shape in shapes.items()}
        self.inner: dict[int, Memory] = {}  # for what the recipe wants in another layout than Paddle's
        self.before: dict[int, Primitive] = {}
        self.after: dict[int, Primitive] = {}
        for argument in shapes.keys() - BIASES:
            self._surround(argument, recipe.layout(argument))
        self.compute = Primitive(recipe, self.outer | self.inner)
        self._moves_seen = -1

    def _surround(self, argument: int, wanted: Layout) -> None:
        outer = self.outer[argument]
        if wanted.same(outer.layout):
            return
        inner = self.inner[argument] = Memory(wanted)
        if argument in RESULTS:
            self.after[argument] = reorder(inner, outer)
        else:
            self.before[argument] = reorder(outer, inner)

    def run(self, tensors: Mapping[int, paddle.Tensor], in_scratch: Collection[int] = ()) -> None:
        """Compute on contiguous tensors; those `in_scratch` lie there reordered, from the step before."""
        for argument, outer in self.outer.items():
            outer.lies_at(tensors[argument].data_ptr())
        if self._moves_seen != _scratch.moves:
            self._follow_scratch()
        for argument, copy in self.before.items():
            if argument not in in_scratch:
                copy.run()
        self.compute.run()
        for copy in self.after.values():
            copy.run()

    def _follow_scratch(self) -> None:
        for argument, inner in self.inner.items():
            inner.lies_at(_scratch.place(argument, inner.layout.size))
        self._moves_seen = _scratch.moves

    def leaves_for(self, following: Step) -> list[int]:
        """What the following step finds in scratch, reordered as it wants it, when it has the same tensors."""
        shared = self.before.keys() & following.before.keys()
        return [name for name in shared if self.inner[name].layout.same(following.inner[name].layout)]


class Plan:
    """The three computations of one convolution: its result, and the gradients of its weights and of its input.

    Raises OneDNNError where the library has none for this geometry, ValueError where the geometry is impossible.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        x, w, b = geometry.x, geometry.w, geometry.w[:1]
        pixels = conv_output_size(x[2:], w[2:], geometry.stride, geometry.padding, geometry.dilation)
        y = self.y_shape = (x[0], w[0], *pixels)
        kernels: Sequence[int] = w
        if geometry.groups > 1:  # oneDNN counts the kernels group by group
            kernels = (geometry.groups, w[0] // geometry.groups, *w[1:])

        free_x, free_w, free_y = (Layout.free(shape) for shape in (x, kernels, y))  # of results
        numbers = BFLOAT16 if geometry.bfloat16 else FLOAT32
        given_x, given_w, given_y = (Layout.free(shape, numbers) for shape in (x, kernels, y))
        bias = Layout.plain(b) if geometry.has_bias else None
        gaps = [dilation - 1 for dilation in geometry.dilation]  # oneDNN counts the pixels left out
        window = [sizes(pair) for pair in (geometry.stride, gaps, geometry.padding, geometry.padding)]
        forward = _recipe("forward", FORWARD_TRAINING, DIRECT, given_x, given_w, bias, free_y, *window)
        weights = _recipe("backward_weights", DIRECT, given_x, free_w, bias, given_y, *window, forward)
        data = _recipe("backward_data", DIRECT, free_x, given_w, given_y, *window, forward)

        with_b = {Argument.B: b} if geometry.has_bias else {}
        with_grad_b = {Argument.GRAD_B: b} if geometry.has_bias else {}
        self._forward = Step(forward, {Argument.X: x, Argument.W: kernels, **with_b, Argument.Y: y})
        self._weights = Step(weights, {Argument.X: x, Argument.GRAD_Y: y, Argument.GRAD_W: kernels, **with_grad_b})
        self._data = Step(data, {Argument.GRAD_Y: y, Argument.W: kernels, Argument.GRAD_X: x})
        self._shared = self._weights.leaves_for(self._data)

    def forward(self, x: paddle.Tensor, w: paddle.Tensor, b: paddle.Tensor | None) -> paddle.Tensor:
        """The convolution of contiguous tensors."""
        y = _empty(self.y_shape)
        with _lock:
            self._forward.run({Argument.X: x, Argument.W: w, Argument.B: b, Argument.Y: y})
        return y

    def gradients(
        self, x: paddle.Tensor, w: paddle.Tensor, grad_y: paddle.Tensor, of_x: bool, of_kernels: bool
    ) -> tuple[paddle.Tensor | None, paddle.Tensor | None, paddle.Tensor | None]:
        """Gradients of x, w and b, from that of y; None for what is not asked for. All tensors are contiguous."""
        tensors = {Argument.X: x, Argument.W: w, Argument.GRAD_Y: grad_y}
        if of_x:
            tensors[Argument.GRAD_X] = _empty(self.geometry.x)
        if of_kernels:
            tensors[Argument.GRAD_W] = _empty(self.geometry.w)
        if of_kernels and self.geometry.has_bias:
            tensors[Argument.GRAD_B] = _empty(self.geometry.w[:1])
        with _lock:
            if of_kernels:
                self._weights.run(tensors)
            if of_x:
                self._data.run(tensors, in_scratch=self._shared if of_kernels else ())
        return tensors.get(Argument.GRAD_X), tensors.get(Argument.GRAD_W), tensors.get(Argument.GRAD_B)


def _recipe(kind: str, *arguments: object) -> Recipe:
    """arguments: as the developer guide lists them for this kind, between engine and attributes."""
    create = getattr(functions(), f"dnnl_convolution_{kind}_primitive_desc_create")
    return Recipe(create, cpu().engine, *arguments, NO_ATTRIBUTES)


def _empty(shape: Sequence[int]) -> paddle.Tensor:
    return paddle._C_ops.empty(shape, paddle.float32, CPU)  # without the checks, which take longer


@lru_cache(PLANS_KEPT)
def _plan(geometry: Geometry) -> Plan | None:
    try:
        return Plan(geometry)
    except (OneDNNError, ValueError):
        return None


def plan_for(geometry: Geometry) -> Plan | None:
    """The plan for a geometry, made once; None where oneDNN is no help, and Paddle may try or explain."""
    with _lock:
        return _plan(geometry)


_scratch = Scratch()
_lock = threading.RLock()  # plans hold addresses, and they and the scratch are everybody's: one at a time


def release_scratch() -> None:
    """Give back the memory for reordered tensors; the next convolution takes it anew."""
    with _lock:
        _scratch.release()


def _renew_lock() -> None:
    """In a forked process: another thread may have held the lock, and it does not exist there."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_renew_lock)
