"""Memory for tensors in oneDNN's layouts, which live no longer than one computation."""

from __future__ import annotations

import paddle

from course_utils.onednn.primitives import Argument

__all__ = ["Scratch"]

SCRATCH_PIECES = {  # two that are never needed at once share one
    **dict.fromkeys((Argument.X, Argument.GRAD_X), "input"),
    **dict.fromkeys((Argument.Y, Argument.GRAD_Y), "output"),
    **dict.fromkeys((Argument.W, Argument.GRAD_W), "kernels"),
}


class Scratch:
    """Memory for reordered tensors, shared by all plans: a few pieces, each as large as was ever needed."""

    def __init__(self) -> None:
        self._pieces: dict[str, paddle.Tensor] = {}
        self.moves = 0  # how often a piece came to lie elsewhere

    def place(self, argument: int, size: int) -> int:
        """The address of `size` bytes for this kind of argument."""
        name = SCRATCH_PIECES[argument]
        piece = self._pieces.get(name)
        if piece is None or piece.shape[0] < size:
            piece = self._pieces[name] = paddle.empty([size], "uint8", device="cpu")
            self.moves += 1
        return piece.data_ptr()

    def release(self) -> None:
        self._pieces.clear()
        self.moves += 1
