"""What holds while a block runs and not after it: evaluation, a kept generator, how to compute, Ctrl-C as a wish."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import paddle

from course_utils import onednn, settings
from course_utils.onednn import fast_convolutions

__all__ = ["Interrupt", "chosen_convolutions", "evaluating", "generator_kept", "has_bfloat16", "mixed_precision"]


class Interrupt:
    """Makes of the first Ctrl-C a wish, `asked`, to stop after this step; the second one raises as ever."""

    asked = False

    def __enter__(self) -> Interrupt:
        self._previous = signal.getsignal(signal.SIGINT)
        # Python lets only the main thread set handlers, and a job that ignores Ctrl-C should go on doing so.
        here = threading.current_thread() is threading.main_thread() and callable(self._previous)
        self._handler = self._ask if here else None
        if self._handler:
            signal.signal(signal.SIGINT, self._handler)
        return self

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._previous)

    def __exit__(self, *error: object) -> None:
        if self._handler:
            signal.signal(signal.SIGINT, self._previous)


@contextlib.contextmanager
def generator_kept() -> Iterator[None]:
    """Paddle's generator after the block is as it was before: the next net that is built starts from other weights."""
    state = paddle.get_rng_state()
    try:
        yield
    finally:
        paddle.set_rng_state(state)


@contextlib.contextmanager
def chosen_convolutions() -> Iterator[None]:
    """On CPU, oneDNN's convolutions where settings say so; on any other device, and outside the block, Paddle's own.

    Raises CourseError where COURSE_CONV=onednn and oneDNN is not available.
    """
    if paddle.get_device() == "cpu" and settings.onednn_convolutions():
        with fast_convolutions():
            yield
    else:
        yield


def has_bfloat16() -> bool:
    """Whether mixed_precision does anything here.

    On CPU Paddle trains in float32 whatever it is asked for, but oneDNN's convolutions need not, where they are chosen.
    """
    if paddle.get_device() == "cpu":
        return onednn.has_bfloat16() and settings.onednn_convolutions()
    return bool(paddle.amp.is_bfloat16_supported())


def mixed_precision(wanted: bool) -> contextlib.AbstractContextManager[object]:
    """Products and convolutions in bfloat16 where the device has it, all else in float32; without effect elsewhere.

    On CPU it is the convolutions alone, by oneDNN. The weights stay float32, and bfloat16 has float32's range: nothing
    has to be scaled. Unproven on CUDA.
    """
    if not wanted or not has_bfloat16():
        return contextlib.nullcontext()
    if paddle.get_device() == "cpu":
        return fast_convolutions(bfloat16=True)
    return paddle.amp.auto_cast(dtype="bfloat16")


@contextlib.contextmanager
def evaluating(net: paddle.nn.Layer) -> Iterator[None]:
    """Evaluation mode without gradients; each layer then gets back the mode that it had."""
    modes = [(layer, layer.training) for layer in net.sublayers(include_self=True)]
    net.eval()
    try:
        with paddle.no_grad():
            yield
    finally:
        for layer, training in modes:
            layer.training = training
