"""Training with convolutions through oneDNN beside plain Paddle, and beside PyTorch where that is installed.

    OMP_NUM_THREADS=1 python benchmarks/onednn_convolutions.py [resnet20 lenet overhead] [--rounds 7] [--python OTHER]

Every way of computing is a process of its own, as the waiting threads of two frameworks in one would take each
other's cores; they take turns, a few steps each, and sleep in between. A ratio is plain Paddle's time divided by
another's in the same round, and the median over the rounds is printed with the lowest and highest. Memory is the
highest that a process took, beyond what it had before its net was built. OTHER is a Python with Paddle and PyTorch,
for the rows of PyTorch. `overhead` times one convolution that computes next to nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
WAYS = ("paddle", "onednn", "onednn bfloat16", "torch", "torch channels_last")
PAUSE = 0.25  # seconds; an idle thread of Intel's OpenMP holds its core for 0.2 before it sleeps
TASKS = {  # batch, image, steps in a turn
    "resnet20": (128, (3, 32, 32), 2),
    "lenet": (64, (1, 32, 32), 20),
}


def resnet20(nn: Any) -> Any:
    """He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2, with 1x1 shortcuts."""

    class Block(nn.Base):
        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.norm1 = nn.Conv(before, after, 3, stride, 1, bias=False), nn.Norm(after)
            self.conv2, self.norm2 = nn.Conv(after, after, 3, 1, 1, bias=False), nn.Norm(after)
            self.shortcut = nn.Conv(before, after, 1, stride, bias=False) if stride > 1 else None

        def forward(self, x: Any) -> Any:
            y = self.norm2(self.conv2(nn.relu(self.norm1(self.conv1(x)))))
            return nn.relu(y + (self.shortcut(x) if self.shortcut else x))

    layers = [nn.Conv(3, 16, 3, 1, 1, bias=False), nn.Norm(16), nn.ReLU()]
    for before, after in ((16, 16), (16, 32), (32, 64)):
        layers += [Block(before, after, 1 + (before != after)), Block(after, after, 1), Block(after, after, 1)]
    return nn.Sequential(*layers, nn.AvgPool(8), nn.Flatten(), nn.Linear(64, 10))


def lenet(nn: Any) -> Any:
    """course_utils.models.LeNet5, for both frameworks."""
    return nn.Sequential(
        *[nn.Conv(1, 6, 5), nn.ReLU(), nn.MaxPool(2), nn.Conv(6, 16, 5), nn.ReLU(), nn.MaxPool(2)],
        *[nn.Conv(16, 120, 5), nn.ReLU(), nn.Flatten(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)],
    )


def paddle_step(task: str) -> Callable[[], float]:
    import paddle
    import paddle.nn.functional as F
    from paddle import nn

    paddle.seed(0)
    names = {"Base": nn.Layer, "Conv": nn.Conv2D, "Norm": nn.BatchNorm2D, "AvgPool": nn.AvgPool2D, "relu": F.relu}
    shared = {name: getattr(nn, name) for name in ("Sequential", "ReLU", "Flatten", "Linear")}
    net = globals()[task](SimpleNamespace(**names, **shared, MaxPool=nn.MaxPool2D))
    images, labels = map(paddle.to_tensor, data(task))
    optimizer = paddle.optimizer.Momentum(0.01, 0.9, parameters=net.parameters())

    def step() -> float:
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        return float(loss)

    return step


def torch_step(task: str, channels_last: bool) -> Callable[[], float]:
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    names = {"Base": nn.Module, "Conv": nn.Conv2d, "Norm": nn.BatchNorm2d, "AvgPool": nn.AvgPool2d, "relu": F.relu}
    shared = {name: getattr(nn, name) for name in ("Sequential", "ReLU", "Flatten", "Linear")}
    net = globals()[task](SimpleNamespace(**names, **shared, MaxPool=nn.MaxPool2d))
    images, labels = map(torch.from_numpy, data(task))
    if channels_last:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)

    def step() -> float:
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def data(task: str) -> tuple[np.ndarray, np.ndarray]:
    batch, image, _ = TASKS[task]
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, *image), "float32"), rng.integers(0, 10, batch)


def work(way: str, task: str) -> None:
    """A process that, for each line it reads, makes the steps of a turn and prints seconds a step and megabytes."""
    step: Callable[[], Any]
    with contextlib.ExitStack() as stack:
        if way.startswith("torch"):
            import torch  # noqa: F401  # before memory is counted

            before = memory()
            step = torch_step(task, way == "torch channels_last")
        else:
            import paddle  # noqa: F401

            if way.startswith("onednn"):
                sys.path.insert(0, str(ROOT))
                from course_utils.onednn import fast_convolutions

                stack.enter_context(fast_convolutions(bfloat16=way.endswith("bfloat16")))
            before = memory()
            step = paddle_step(task)
        for _ in range(3):
            step()
        print("ready", flush=True)
        steps = TASKS[task][2]
        for _ in sys.stdin:
            began = time.perf_counter()
            for _ in range(steps):
                step()
            print((time.perf_counter() - began) / steps, memory() - before, flush=True)


def memory() -> float:
    """The most that this process has taken so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(task: str, rounds: int, python: str) -> None:
    """Print a row a way."""
    workers = {}
    for way in WAYS:
        command = [python if way.startswith("torch") else sys.executable, __file__, "--worker", way, task]
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if worker.stdout and worker.stdout.readline().strip() == "ready":
            workers[way] = worker
    seconds: dict[str, list[float]] = {way: [] for way in workers}
    megabytes = {}
    for _ in range(rounds):
        for way, worker in workers.items():
            time.sleep(PAUSE)
            assert worker.stdin
            assert worker.stdout
            print(file=worker.stdin, flush=True)
            spent, taken = map(float, worker.stdout.readline().split())
            seconds[way].append(spent)
            megabytes[way] = taken
    for worker in workers.values():
        worker.communicate()
    batch = TASKS[task][0]
    print(f"{task}, batch {batch}, {os.environ.get('OMP_NUM_THREADS', 1)} thread(s), {rounds} rounds")
    for way, times in seconds.items():
        ratios = np.array(seconds["paddle"]) / times
        print(
            f"  {way:20} {batch / np.median(times):7.0f} images/s   paddle / this {np.median(ratios):5.2f}"
            f" [{min(ratios):.2f}, {max(ratios):.2f}]   memory {megabytes[way]:5.0f} MB"
        )


def overhead(repeats: int = 2000) -> None:
    """Microseconds of one convolution of a single pixel by a single kernel, forward, and forward and backward."""
    sys.path.insert(0, str(ROOT))
    import paddle
    import paddle.nn.functional as F

    from course_utils.onednn import conv2d

    x, w = paddle.ones([1, 1, 1, 1]), paddle.ones([1, 1, 1, 1])
    x.stop_gradient = w.stop_gradient = False
    ways = {"paddle": F.conv2d, "onednn": conv2d}
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(5):
        for way, convolve in ways.items():
            calls = {"forward": lambda f=convolve: f(x, w), "both": lambda f=convolve: f(x, w).backward()}
            for name, call in calls.items():
                began = time.perf_counter()
                for _ in range(repeats):
                    call()
                spent.setdefault((way, name), []).append((time.perf_counter() - began) / repeats * 1e6)
    print("one pixel, microseconds a call")
    for way in ways:
        forward, both = min(spent[way, "forward"]), min(spent[way, "both"])
        print(f"  {way:20} forward {forward:5.1f}   forward and backward {both:5.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[*TASKS, "overhead"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker, asked.what[0])
        return
    for what in asked.what:
        overhead() if what == "overhead" else compare(what, asked.rounds, asked.python)


if __name__ == "__main__":
    main()
