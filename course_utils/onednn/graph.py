"""A place for a result of our own in Paddle's graph of gradients.

Paddle's PyLayer is made for this, but in Paddle 3.3 a second backward() through one ends the process, also after
backward(retain_graph=True), and paddle.grad() fails on it when only some inputs want gradients. So we build the
place from Paddle's own operators, which know all that, and put our gradients in by hooks:

    x -- reshape -- [1] --+
                          add -- y -- reshape -- the result
    w -- reshape -- [1] --+

The operators run on single numbers, at no cost: their results are given other contents, and keep their place in the
graph. In the backward pass the hook of y takes the gradient of the result and hands a single number on; the hook of
each [1] replaces that number by the gradient of its input, to which reshape gives the input's shape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial, reduce

import paddle

__all__ = ["Gradients", "attach"]


# (gradient of the result, for which inputs, whether theirs need gradients in turn) -> theirs, None for the others
Gradients = Callable[[paddle.Tensor, Sequence[bool], bool], Sequence[paddle.Tensor | None]]

NUMBER = paddle.to_tensor([0.0], place=paddle.CPUPlace())
_reshape, _add = paddle._C_ops.reshape, paddle._C_ops.add  # without the checks, which take longer than the work


def attach(y: paddle.Tensor, inputs: Sequence[paddle.Tensor], gradients: Gradients) -> paddle.Tensor:
    """y, computed outside the graph, as the result of `inputs`; `gradients` is called in the backward pass."""
    wanted = [not tensor.stop_gradient for tensor in inputs]
    if not paddle.is_grad_enabled() or not any(wanted):
        return y
    passage = _Passage(wanted, gradients)
    numbers = [passage.way_to(index, tensor) for index, tensor in enumerate(inputs) if wanted[index]]
    joint = reduce(_add, numbers if len(numbers) > 1 else [NUMBER, *numbers])
    y._share_underline_tensor_to(joint)
    joint.register_hook(passage.take)
    return _reshape(joint, y.shape)  # where a user's hooks meet the gradient before ours takes it


class _Passage:
    """From the gradient of a result to those of its inputs, in every backward pass that comes through it."""

    def __init__(self, wanted: Sequence[bool], gradients: Gradients) -> None:
        self.wanted = wanted
        self.gradients: Gradients | None = gradients
        self.grad_y: paddle.Tensor | None = None
        self.found: dict[int, paddle.Tensor] = {}
        self.create_graph = True

    def way_to(self, index: int, tensor: paddle.Tensor) -> paddle.Tensor:
        """A single number in the graph, for whose gradient the input gets its own."""
        number = _reshape(tensor, [-1])
        NUMBER._share_underline_tensor_to(number)
        number.register_hook(partial(self.give, index))
        return number

    def take(self, grad_y: paddle.Tensor) -> paddle.Tensor:
        """Hook of y: keep its gradient until the inputs ask for theirs, or compute all at once, which is faster."""
        caller = sys._getframe(1)
        asked = caller.f_locals
        backward = caller.f_code.co_name == "backward" and "retain_graph" in asked  # loss.backward(): all are wanted
        self.create_graph = not backward and asked.get("create_graph", True)  # True is right always, and slower
        self.grad_y = grad_y
        self.found = self._compute(self.wanted) if backward else {}
        if backward and not asked["retain_graph"]:  # as Paddle's own operators, keep nothing that is used up
            self.gradients = self.grad_y = None
        return NUMBER

    def give(self, index: int, number: paddle.Tensor) -> paddle.Tensor:
        """Hook of an input's number; paddle.grad() calls those that it needs."""
        if index not in self.found:
            self.found = self._compute([place == index for place in range(len(self.wanted))])
        return self.found.pop(index)

    def _compute(self, wanted: Sequence[bool]) -> dict[int, paddle.Tensor]:
        assert self.gradients is not None
        assert self.grad_y is not None
        computed = self.gradients(self.grad_y, wanted, self.create_graph)
        return {index: gradient for index, gradient in enumerate(computed) if gradient is not None}
