"""Paddle's two-dimensional convolution through oneDNN, and Paddle's own wherever oneDNN is no help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle

from course_utils.onednn.graph import attach
from course_utils.onednn.library import OneDNNError, availability, has_bfloat16
from course_utils.onednn.plan import Geometry, Pair, Plan, plan_for

__all__ = ["conv2d"]


paddle_conv2d = paddle.nn.functional.conv2d  # Paddle's own, whatever that name stands for later


def conv2d(
    x: paddle.Tensor,
    weight: paddle.Tensor,
    bias: paddle.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    data_format: str = "NCHW",
    name: str | None = None,
    *,
    bfloat16: bool = False,
) -> paddle.Tensor:
    """paddle.nn.functional.conv2d with its arguments, results, gradients and errors, and faster on CPU.

    x [N, D, H, W], weight [P, D / groups, U, V], bias [P] -> [N, P, H', W']. Runs through oneDNN for float32 on CPU
    in NCHW with as much padding before as after; all else is left to Paddle, and what oneDNN refuses too.
    bfloat16: round what is multiplied, forward and backward, to bfloat16, and add up in float32; where the processor
    has that (has_bfloat16), it is faster, and within about 1/100 of the largest value; elsewhere it has no effect.
    """
    if data_format == "NCHW" and (plan := _find_plan(x, weight, bias, stride, padding, dilation, groups, bfloat16)):
        try:
            y = plan.forward(x.contiguous(), weight.contiguous(), None if bias is None else bias.contiguous())
        except OneDNNError:  # such as out of memory
            return paddle_conv2d(x, weight, bias, stride, padding, dilation, groups, data_format, name)
        inputs = [x, weight] if bias is None else [x, weight, bias]
        return attach(y, inputs, _Gradients(plan, inputs))
    return paddle_conv2d(x, weight, bias, stride, padding, dilation, groups, data_format, name)


def _find_plan(
    x: paddle.Tensor,
    w: paddle.Tensor,
    b: paddle.Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    bfloat16: bool,
) -> Plan | None:
    """The plan for these arguments; None where they are not for oneDNN."""
    if not (availability() and paddle.in_dynamic_mode() and _suits(x, 4) and _suits(w, 4)):
        return None
    if b is not None and not (_suits(b, 1) and b.shape[0] == w.shape[0]):
        return None
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    if stride is None or padding is None or dilation is None or groups < 1:
        return None
    call = Geometry(tuple(x.shape), tuple(w.shape), stride, padding, dilation, groups, b is not None)
    if bfloat16 and has_bfloat16() and (plan := plan_for(call._replace(bfloat16=True))):
        return plan
    return plan_for(call)


def _suits(tensor: paddle.Tensor, dimensions: int) -> bool:
    """Whether it is float32, in the processor's memory, and not empty."""
    return (
        tensor.ndim == dimensions
        and tensor.dtype == paddle.float32
        and tensor.is_dense()
        and tensor.place.is_cpu_place()
        and 0 not in tensor.shape
    )


def _pair(value: Any) -> Pair | None:
    """Height and width, from one whole number or two; None for anything else, such as "same" or four paddings."""
    values = (value, value) if isinstance(value, int) else tuple(value)
    return values if len(values) == 2 and all(isinstance(number, int) for number in values) else None


class _Gradients:
    """How the gradients of one call are computed (graph.Gradients)."""

    def __init__(self, plan: Plan, inputs: list[paddle.Tensor]) -> None:
        self.plan, self.inputs = plan, inputs
        self.versions = [tensor.inplace_version for tensor in inputs]

    def __call__(
        self, grad_y: paddle.Tensor, wanted: Sequence[bool], create_graph: bool
    ) -> Sequence[paddle.Tensor | None]:
        if [tensor.inplace_version for tensor in self.inputs] != self.versions:
            raise RuntimeError(
                "an input of a convolution was modified by an inplace operation before its gradient was computed: "
                "use the operation that is not inplace"
            )
        if create_graph:
            return self._by_paddle(grad_y)  # which has gradients in turn
        try:
            return self._by_onednn(grad_y, wanted)
        except OneDNNError:
            with paddle.no_grad():
                return self._by_paddle(grad_y)

    def _by_onednn(self, grad_y: paddle.Tensor, wanted: Sequence[bool]) -> Sequence[paddle.Tensor | None]:
        x, w = self.inputs[0].contiguous(), self.inputs[1].contiguous()
        of_x, *of_kernels = wanted
        return self.plan.gradients(x, w, grad_y.contiguous(), of_x, any(of_kernels))

    def _by_paddle(self, grad_y: paddle.Tensor) -> Sequence[paddle.Tensor | None]:
        x, w = self.inputs[:2]
        call = self.plan.geometry
        grad_x, grad_w = paddle._C_ops.conv2d_grad(
            x, w, grad_y, call.stride, call.padding, "EXPLICIT", call.dilation, call.groups, "NCHW"
        )
        return grad_x, grad_w, grad_y.sum([0, 2, 3])
