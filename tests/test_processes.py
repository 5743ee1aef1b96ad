"""Training on two processes: equal to one, ended by a sentence where a process is killed, resumed to the same bits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import paddle
import paddle.distributed as dist
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn

from course_utils import checkpoint, processes
from course_utils.errors import CourseError
from course_utils.training import Trainer

rng = np.random.default_rng(0)
TRAIN = rng.integers(0, 256, (65, 3, 6, 6), dtype=np.uint8), rng.integers(0, 3, 65)  # batches of 16, the last of 1
VALID = rng.integers(0, 256, (9, 3, 6, 6), dtype=np.uint8), rng.integers(0, 3, 9)
EPOCHS = 4  # 20 steps


def plain() -> nn.Layer:
    return nn.Sequential(nn.Conv2D(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def normed() -> nn.Layer:
    return nn.Sequential(
        nn.Conv2D(3, 4, 3, bias_attr=False), nn.BatchNorm2D(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    )


def noisy(batch: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
    return batch + paddle.to_tensor(generator.normal(0, 0.1, batch.shape).astype("float32"))


def build(make: Callable[[], nn.Layer], seed: int = 7, kind: type[Trainer] = Trainer, **options: object) -> Trainer:
    paddle.seed(seed)
    net = make()
    optimizer = paddle.optimizer.Momentum(0.05, parameters=net.parameters())
    return kind(net, optimizer, **({"batch_size": 16, "augment": noisy, "report": None} | options))


class InShares(Trainer):
    """One process that does what two do: each half of a batch is normalized by itself, the gradients are averaged."""

    def _learn(self, images: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        losses, middle = [], len(labels) // 2
        statistics = [tensor for tensor in self.net.parameters() if tensor.stop_gradient]
        before = [(tensor, tensor.clone()) for tensor in statistics]
        for part in (slice(middle, None), slice(0, middle)):  # the first process comes last: its statistics count
            for tensor, value in before:
                tensor.set_value(value)
            weight = len(labels[part]) / len(labels)
            part = part if weight else slice(0, 1)
            losses.append(self.loss(self.net(images[part]), labels[part]) * weight)
        sum(losses).backward()
        self.optimizer.step()
        self.optimizer.clear_grad()
        return sum(losses).detach()


def tensors(net: nn.Layer) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


def largest_difference(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Relative to the largest value of each tensor."""
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max() / np.abs(one[name]).max()) for name in one)


# -- a job of two processes

LAUNCH = [
    *(sys.executable, "-m", "paddle.distributed.launch"),
    *("--host", "127.0.0.1", "--nproc_per_node", "2", "--log_level", "WARNING", "--log_dir", "log"),
]
PROGRAM = """
import os, sys
import numpy as np
sys.path.insert(0, {tests!r})
import test_processes
sys.exit(test_processes.{function}())
"""


def train_all() -> None:
    """What each process of the first job does. The second one starts from other weights, which must not count."""
    with contextlib.suppress(SystemExit):
        course_train()
    rank = processes.rank()
    for make in (plain, normed):
        trainer = build(make, seed=7 + rank, folder=make.__name__)
        trainer.fit(TRAIN, VALID, epochs=EPOCHS)
        trainer.save(f"{make.__name__}/process{rank}.npz")
        np.savez(f"{make.__name__}/process{rank}.npz", loss=trainer.history.step_losses, **tensors(trainer.net))


def course_train() -> None:
    """`course train` on 90 pictures of noise; process KILL ends as by kill -9 in the second epoch."""
    import signal

    from course_utils import cli, datasets

    few = datasets.Split(rng.integers(0, 256, (90, 3, 32, 32), dtype=np.uint8), np.arange(90) % 10)
    data = datasets.Dataset("few", few, few.take(20), tuple("abcdefghij"), False, "few pictures", "", "")
    datasets.cifar10 = lambda: data
    sys.argv = ["course", "train", "cifar10", "--epochs", "3", "--batch-size", "16", *os.environ["OPTIONS"].split()]
    if os.environ.get("KILL") == os.environ["PADDLE_TRAINER_ID"]:
        average, calls = processes.average, iter(range(1, 1000))

        def ends(*arguments: object) -> paddle.Tensor:
            if next(calls) == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            return average(*arguments)

        processes.average = ends
    cli.main()


@contextlib.contextmanager
def launched(folder: Path, function: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A job of two processes in this folder; whatever happens, none of them outlives the block."""
    program = folder / f"{function}.py"
    program.write_text(PROGRAM.format(tests=str(Path(__file__).parent), function=function))
    own = {"OMP_NUM_THREADS": "1", "COURSE_DATA": "sample", "COURSE_DEVICE": "cpu", "COURSE_SEED": "0"}
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PADDLE_", "FLAGS_"))}
    job = subprocess.Popen(
        [*LAUNCH, str(program)],
        cwd=folder,
        env={**others, **own, "GLOO_SOCKET_IFNAME": "lo", "PADDLE_DISTRI_BACKEND": "gloo", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield job
    finally:
        family = (
            [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)] if job.poll() is None else []
        )
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        job.communicate()


def run(folder: Path, function: str, **environment: str) -> tuple[int, str]:
    """Exit status of the job and what it printed."""
    with launched(folder, function, **environment) as job:
        output, _ = job.communicate(timeout=90)
        return job.returncode, output


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the job's processes talk through gloo on loopback")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a job in which two processes trained a net without BatchNorm, one with it, and `course train`."""
    folder = tmp_path_factory.mktemp("job")
    status, output = run(folder, "train_all", OPTIONS="--folder whole")
    assert status == 0, output
    return folder


def results(folder: Path, rank: int) -> dict[str, np.ndarray]:
    with np.load(folder / f"process{rank}.npz") as file:
        return dict(file)


@linux_only
def test_two_processes_learn_what_one_learns(job: Path) -> None:
    one = build(plain)
    history = one.fit(TRAIN, VALID, epochs=EPOCHS)
    found = [results(job / "plain", rank) for rank in (0, 1)]
    losses = [result.pop("loss") for result in found]
    assert len(history.step_losses) == 20
    assert largest_difference(found[0], tensors(one.net)) < 1e-5
    assert all((found[0][name] == found[1][name]).all() for name in found[0])
    assert np.allclose(losses, history.step_losses, rtol=1e-5)
    _, facts = checkpoint.read(job / "plain" / "last.npz")
    assert [row[4] for row in facts["rows"]] == history.column("valid_accuracy")


@linux_only
def test_batch_norm_sees_its_own_share(job: Path) -> None:
    found, _ = results(job / "normed", 0), results(job / "normed", 1)
    found.pop("loss")
    in_shares, whole = build(normed, kind=InShares), build(normed)
    for trainer in (in_shares, whole):
        trainer.fit(TRAIN, VALID, epochs=EPOCHS)
    assert largest_difference(found, tensors(in_shares.net)) < 1e-5
    weights = [{"0.weight": arrays["0.weight"]} for arrays in (found, tensors(whole.net))]
    assert largest_difference(*weights) > 1e-3


@linux_only
def test_a_killed_process_ends_the_job_with_a_sentence_and_it_is_resumed_to_the_same_bits(
    job: Path, tmp_path: Path
) -> None:
    status, output = run(tmp_path, "course_train", OPTIONS="--folder again", KILL="1")
    assert status != 0
    assert "another process of this job has ended, so this one ends too: run the same again and resume" in output
    assert "Traceback" not in output
    assert checkpoint.read(tmp_path / "again" / "last.npz")[1]["epoch"] == 1
    status, output = run(tmp_path, "course_train", OPTIONS="--folder again --resume")
    assert status == 0, output
    arrays, facts = checkpoint.read(tmp_path / "again" / "last.npz")
    expected, whole = checkpoint.read(job / "whole" / "last.npz")
    assert [row[:-1] for row in facts["rows"]] == [row[:-1] for row in whole["rows"]]
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in expected.items()
    }


# -- the parts, in one process that believes it is one of several


@pytest.fixture
def one_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Make this process believe that it has this rank of so many, which all do the same."""

    def believe(rank: int, count: int) -> None:
        monkeypatch.setattr(dist, "is_initialized", lambda: True)
        monkeypatch.setattr(dist, "get_rank", lambda: rank)
        monkeypatch.setattr(dist, "get_world_size", lambda: count)
        monkeypatch.setattr(dist, "all_reduce", lambda tensor: tensor.scale_(count))
        monkeypatch.setattr(dist, "broadcast", lambda tensor, src: paddle.assign(tensor.detach() + rank, tensor))

    return believe


@settings(max_examples=40, deadline=None)
@given(total=st.integers(1, 20), count=st.integers(1, 7))
def test_shares_are_the_batch(total: int, count: int) -> None:
    images, labels = paddle.rand([total, 2]), paddle.arange(total)
    parts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dist, "is_initialized", lambda: True)
        patch.setattr(dist, "get_world_size", lambda: count)
        for rank in range(count):
            patch.setattr(dist, "get_rank", lambda rank=rank: rank)
            parts.append(processes.share(images, labels))
    assert [label for _, part, weight in parts if weight for label in part.tolist()] == labels.tolist()
    assert sum(weight for *_, weight in parts) == pytest.approx(1)
    assert all(len(part) == len(images) >= 1 for images, part, _ in parts)


def test_gradients_and_loss_are_summed_by_their_weights(one_of: Callable[[int, int], None]) -> None:
    one_of(1, 2)
    net = nn.Linear(2, 1)
    net.extra = nn.Linear(2, 2)  # not used, so without a gradient
    net(paddle.to_tensor([[1.0, 2.0]])).sum().backward()
    loss = processes.average(net, paddle.to_tensor(3.0), 0.25)
    assert (loss.item(), list(loss.shape)) == (1.5, [])
    assert net.weight.grad.flatten().tolist() == [0.5, 1.0]
    assert net.bias.grad.tolist() == [0.5]


def test_the_first_process_decides_and_writes(one_of: Callable[[int, int], None], tmp_path: Path) -> None:
    one_of(1, 2)
    assert (processes.rank(), processes.count(), processes.is_first()) == (1, 2, False)
    assert processes.from_first(lambda: pytest.fail("only the first counts"), size=2) == [1.0, 1.0]
    net = nn.Linear(1, 1)
    before = net.weight.item()
    processes.agree(net)
    assert net.weight.item() == pytest.approx(before + 1)
    build(plain).save(tmp_path / "run.npz")
    assert not (tmp_path / "run.npz").exists()
    one_of(0, 2)
    assert processes.from_first(lambda: [3, 0.5], size=2) == [3.0, 0.5]


def test_a_broken_connection_is_a_sentence(one_of: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Connection reset by peer")

    one_of(0, 2)
    monkeypatch.setattr(dist, "all_reduce", broken)
    with pytest.raises(CourseError, match="another process of this job has ended"):
        build(plain).fit(TRAIN)


def test_a_process_joins_the_job_it_was_launched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []
    monkeypatch.setattr(dist, "is_initialized", lambda: bool(joined))
    monkeypatch.setattr(dist, "init_parallel_env", lambda: joined.append(1))
    processes.join()
    assert joined == []
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    processes.join()
    processes.join()
    assert joined == [1]
