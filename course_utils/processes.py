"""One training run on the processes that paddle.distributed.launch starts: a share of each batch, a common gradient.

    python -m paddle.distributed.launch --nproc_per_node 2 train.py

runs train.py twice, and a Trainer in it trains on both. Every process has the same weights and prepares the same
batch; each takes its share of it through the net, and the gradients are averaged over the whole batch before every
update. So a net without BatchNorm and dropout learns what it would learn in one process, up to rounding.
BatchNorm normalizes each share by the share's own mean and variance, as it does on several GPUs (Paddle's
SyncBatchNorm exists on CUDA only); the running statistics of the first process are those that count.
The first process evaluates, reports and writes. Unproven on CUDA.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Sequence

import paddle
import paddle.distributed as dist

from course_utils.errors import CourseError

__all__ = ["agree", "average", "count", "from_first", "is_first", "join", "rank", "share"]


def join() -> None:
    """Meet the other processes of the job; nothing happens where there is no job, or it was joined before."""
    if int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) < 2 or dist.is_initialized():
        return
    with _talking(), contextlib.redirect_stderr(io.StringIO()):  # it prints the flags that launch has set
        dist.init_parallel_env()


def rank() -> int:
    """The number of this process, from 0."""
    return int(dist.get_rank()) if dist.is_initialized() else 0


def count() -> int:
    """How many processes train together."""
    return int(dist.get_world_size()) if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes; true where it is the only one."""
    return rank() == 0


def share(images: paddle.Tensor, labels: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor, float]:
    """This process's images and labels of a batch, and which share of the batch they are.

    Where there are fewer images than processes, some have one image all the same, and a share of 0.
    """
    if not dist.is_initialized():
        return images, labels, 1.0
    total = len(labels)
    first, end = (total * edge // count() for edge in (rank(), rank() + 1))
    if first == end:
        return images[:1], labels[:1], 0.0
    return images[first:end], labels[first:end], (end - first) / total


def average(net: paddle.nn.Layer, loss: paddle.Tensor, weight: float) -> paddle.Tensor:
    """Replace the net's gradients by those of the whole batch, and return its loss; weight: what `share` gave.

    Raises CourseError where another process has ended.
    """
    if not dist.is_initialized():
        return loss
    gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    sums = paddle.concat([tensor.flatten() for tensor in [*gradients, loss]]) * weight
    with _talking():
        dist.all_reduce(sums)
    *parts, mean_loss = paddle.split(sums, [tensor.size for tensor in [*gradients, loss]])
    for gradient, part in zip(gradients, parts, strict=True):
        paddle.assign(part.reshape(gradient.shape), gradient)
    return mean_loss.reshape(loss.shape)


def agree(net: paddle.nn.Layer) -> None:
    """Give all processes the first one's weights and statistics. Raises CourseError where another process has ended."""
    if dist.is_initialized():
        with _talking():
            for tensor in net.state_dict().values():
                dist.broadcast(tensor, src=0)


def from_first(numbers: Callable[[], Sequence[float]], size: int) -> list[float]:
    """What `numbers`, called in the first process only, gives there: `size` numbers.

    Raises CourseError where another process has ended.
    """
    if not dist.is_initialized():
        return list(numbers())
    values = paddle.to_tensor(numbers() if is_first() else [0.0] * size, dtype="float64")
    with _talking():
        dist.broadcast(values, src=0)
    return [float(value) for value in values.tolist()]


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's, when a connection breaks
        raise CourseError(
            "another process of this job has ended, so this one ends too: run the same again and resume, it goes on "
            "from what was kept after the last whole epoch"
        ) from error
