"""Trainer and its checkpoints: the same bits after every kind of stop, exact evaluation, one sentence for trouble."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn
from paddle.optimizer import lr

from course_utils import checkpoint, modes, onednn, training
from course_utils.errors import CourseError
from course_utils.onednn import Availability, availability
from course_utils.training import Epoch, Evaluation, History, Trainer

pytestmark = pytest.mark.filterwarnings("ignore:When training, we now always track global mean and variance")

STEPS = 6  # an epoch of 22 images in batches of 4, the last of 2
rng = np.random.default_rng(0)
TRAIN = rng.integers(0, 256, (22, 1, 3, 3), dtype=np.uint8), rng.integers(0, 3, 22)
VALID = rng.integers(0, 256, (7, 1, 3, 3), dtype=np.uint8), rng.integers(0, 3, 7)


def small_net(hidden: int = 5) -> nn.Layer:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(9, hidden), nn.BatchNorm1D(hidden), nn.Dropout(0.5), nn.Linear(hidden, 3)
    )


def plain_sgd(net: nn.Layer) -> paddle.optimizer.Optimizer:
    return paddle.optimizer.SGD(0.1, parameters=net.parameters())


def adam_restarting(net: nn.Layer) -> paddle.optimizer.Optimizer:
    return paddle.optimizer.Adam(lr.CosineAnnealingWarmRestarts(0.05, T_0=4, T_mult=2), parameters=net.parameters())


def momentum_warming(net: nn.Layer) -> paddle.optimizer.Optimizer:
    schedule = lr.LinearWarmup(lr.StepDecay(0.1, step_size=3), warmup_steps=5, start_lr=0.01, end_lr=0.1)
    groups = [{"params": net[1].parameters()}, {"params": net[4].parameters(), "learning_rate": 0.5}]
    return paddle.optimizer.Momentum(schedule, parameters=groups)


class Noise:
    """An augmentation that draws from the generator it is given, and presses Ctrl-C in its nth call."""

    def __init__(self, press_in: int = 0) -> None:
        self.calls, self.press_in = 0, press_in

    def __call__(self, batch: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        self.calls += 1
        if self.calls == self.press_in:
            signal.raise_signal(signal.SIGINT)
        return batch + paddle.to_tensor(generator.normal(size=batch.shape).astype("float32"))


def build(
    optimizer: Callable[[nn.Layer], paddle.optimizer.Optimizer] = adam_restarting, press_in: int = 0, **options: object
) -> Trainer:
    """A trainer of a net that always starts from the same weights, but not with the same names inside Paddle."""
    paddle.seed(7)
    net = small_net()
    return Trainer(net, optimizer(net), **({"batch_size": 4, "augment": Noise(press_in)} | options))


def bits(trainer: Trainer) -> dict[str, bytes]:
    arrays, facts = checkpoint.state(trainer.net, trainer.optimizer)
    return {name: array.tobytes() for name, array in arrays.items()} | {"facts": repr(facts).encode()}


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python handles it by itself: test runners change that in their workers."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# -- the same bits


@pytest.mark.parametrize("optimizer", [plain_sgd, adam_restarting, momentum_warming])
@pytest.mark.parametrize("stop_after", [1, 4, STEPS, STEPS + 1, 2 * STEPS])
def test_interrupted_and_resumed_equals_uninterrupted(
    optimizer: Callable[[nn.Layer], paddle.optimizer.Optimizer],
    stop_after: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = build(optimizer)
    whole.fit(TRAIN, VALID, epochs=3)
    first = build(optimizer, press_in=stop_after, folder=tmp_path)
    history = first.fit(TRAIN, VALID, epochs=3)
    assert len(history.step_losses) == stop_after
    assert f"after {stop_after % STEPS} steps of epoch {stop_after // STEPS + 1}" in capsys.readouterr().out
    paddle.seed(99)  # another process would not have our generator's state either
    second = build(optimizer, folder=tmp_path)
    history = second.fit(TRAIN, VALID, epochs=3, resume=True)
    assert bits(second) == bits(whole)
    assert history.step_losses == whole.history.step_losses
    assert [row[:-1] for row in history.rows] == [row[:-1] for row in whole.history.rows]


def test_resumes_in_memory_without_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    whole, stopped = build(), build(press_in=9)
    whole.fit(TRAIN, epochs=2)
    stopped.fit(TRAIN, epochs=2)
    assert "resume=True) goes on from where this trainer stands" in capsys.readouterr().out
    stopped.fit(TRAIN, epochs=2, resume=True)
    assert bits(stopped) == bits(whole)
    stopped.fit(TRAIN, epochs=2, resume=True)  # nothing is left to do
    assert bits(stopped) == bits(whole)


def test_learning_rate_that_a_callback_sets_is_resumed(tmp_path: Path) -> None:
    def halve(trainer: Trainer, history: History) -> None:
        trainer.optimizer.set_lr(trainer.optimizer.get_lr() / 2)

    whole = build(plain_sgd, callbacks=[halve])
    assert whole.fit(TRAIN, epochs=3).column("lr") == [0.1, 0.05, 0.025]
    build(plain_sgd, callbacks=[halve], folder=tmp_path).fit(TRAIN, epochs=1)
    resumed = build(plain_sgd, callbacks=[halve], folder=tmp_path)
    resumed.fit(TRAIN, epochs=3, resume=True)
    assert bits(resumed) == bits(whole)


def test_same_seed_same_bits_and_another_seed_others() -> None:
    runs = [build(seed=seed) for seed in (3, 3, 4)]
    for trainer in runs:
        trainer.fit(TRAIN, epochs=1)
    assert bits(runs[0]) == bits(runs[1])
    assert bits(runs[0]) != bits(runs[2])


def test_training_leaves_paddles_generator_alone() -> None:
    paddle.seed(5)
    expected = paddle.rand([3]).tolist()
    trainer = build()
    paddle.seed(5)
    trainer.fit(TRAIN, epochs=1)
    assert paddle.rand([3]).tolist() == expected


def test_schedule_moves_once_a_batch() -> None:
    net = small_net()
    schedule = lr.StepDecay(0.1, step_size=STEPS)
    trainer = Trainer(net, paddle.optimizer.SGD(schedule, parameters=net.parameters()), batch_size=4)
    assert trainer.fit(TRAIN, epochs=3).column("lr") == pytest.approx([0.1, 0.01, 0.001])


def test_one_cycle_that_would_end_on_the_way_is_refused_before_the_first_step(tmp_path: Path) -> None:
    def one_cycle(net: nn.Layer) -> paddle.optimizer.Optimizer:
        return paddle.optimizer.SGD(lr.OneCycleLR(0.1, 2 * STEPS), parameters=net.parameters())

    trainer = build(one_cycle, folder=tmp_path)
    with pytest.raises(ValueError, match="3 epochs have 18 more steps and the schedule 12: make it for all steps"):
        trainer.fit(TRAIN, epochs=3)
    assert trainer.history.step_losses == []
    trainer.fit(TRAIN, epochs=1)
    build(one_cycle, folder=tmp_path).fit(TRAIN, epochs=2, resume=True)
    with pytest.raises(ValueError, match="3 epochs have 6 more steps and the schedule 0"):
        build(one_cycle, folder=tmp_path).fit(TRAIN, epochs=3, resume=True)


def test_a_schedule_of_another_length_is_refused(tmp_path: Path) -> None:
    def one_cycle(steps: int) -> Callable[[nn.Layer], paddle.optimizer.Optimizer]:
        return lambda net: paddle.optimizer.SGD(lr.OneCycleLR(0.1, steps), parameters=net.parameters())

    build(one_cycle(18), folder=tmp_path).fit(TRAIN, epochs=1)
    with pytest.raises(CourseError, match=r"with SGD and OneCycleLR\(total_steps=18, .* OneCycleLR\(total_steps=24"):
        build(one_cycle(24), folder=tmp_path).fit(TRAIN, epochs=4, resume=True)


@pytest.mark.parametrize("name", ["AdamW", "Adagrad", "Adadelta", "RMSProp", "Adamax", "Lamb", "NAdam", "RAdam"])
def test_other_optimizers_resume_too(name: str, tmp_path: Path) -> None:
    def optimizer(net: nn.Layer) -> paddle.optimizer.Optimizer:
        return getattr(paddle.optimizer, name)(0.01, parameters=net.parameters())

    whole = build(optimizer)
    whole.fit(TRAIN, epochs=2)
    build(optimizer, folder=tmp_path).fit(TRAIN, epochs=1)
    resumed = build(optimizer, folder=tmp_path)
    resumed.fit(TRAIN, epochs=2, resume=True)
    assert bits(resumed) == bits(whole)


def test_master_weights_are_part_of_the_state() -> None:
    net = small_net()
    optimizer = paddle.optimizer.Momentum(0.1, parameters=net.parameters(), multi_precision=True)
    net.to(dtype="bfloat16")
    arrays, facts = checkpoint.state(net, optimizer)
    assert arrays["optimizer/0/master"].dtype == np.float32
    changed = {name: array + 1 if name.endswith("master") else array for name, array in arrays.items()}
    checkpoint.restore(net, optimizer, changed, facts, "here")
    again, _ = checkpoint.state(net, optimizer)
    assert again["optimizer/0/master"].tobytes() == changed["optimizer/0/master"].tobytes()


# -- stops of other kinds

CHILD = """
import numpy as np, sys
sys.path.insert(0, {tests!r})
from test_training import TRAIN, build
trainer = build(folder={folder!r})
trainer.fit(TRAIN, epochs=10**6)
print("kept", len(trainer.history.step_losses))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole group of processes")
def test_ctrl_c_in_another_process_is_resumed_in_this_one(tmp_path: Path) -> None:
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()  # an epoch is done, and the next is running
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "Traceback" not in errors
    assert "resume=True) goes on from" in output
    steps = int(output.split()[-1])
    epochs = steps // STEPS + 1
    whole, resumed = build(), build(folder=tmp_path)
    whole.fit(TRAIN, epochs=epochs)
    resumed.fit(TRAIN, epochs=epochs, resume=True)
    assert bits(resumed) == bits(whole)


def test_second_ctrl_c_raises_and_the_handler_is_put_back(tmp_path: Path) -> None:
    def press_twice(batch: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return batch

    with pytest.raises(KeyboardInterrupt):
        build(augment=press_twice).fit(TRAIN)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_callback_stops_after_the_epoch(tmp_path: Path) -> None:
    trainer = build(callbacks=[lambda *_: signal.raise_signal(signal.SIGINT)], folder=tmp_path)
    assert len(trainer.fit(TRAIN, VALID, epochs=3).rows) == 1
    assert len(trainer.fit(TRAIN, VALID, epochs=2, resume=True).rows) == 2


def test_ctrl_c_is_left_alone_in_a_thread_and_where_it_is_ignored() -> None:
    trainer = build()
    thread = threading.Thread(target=trainer.fit, args=(TRAIN,))
    thread.start()
    thread.join()
    assert len(trainer.history.rows) == 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert len(build(press_in=2).fit(TRAIN).rows) == 1


@pytest.mark.parametrize(("looks", "steps_run"), [(2, 4), (50, STEPS)])
def test_nan_loss_stops_with_one_sentence_and_keeps_the_last_good_state(
    looks: int, steps_run: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "STEPS_BETWEEN_LOOKS", looks)

    def spoil(batch: paddle.Tensor, generator: np.random.Generator) -> paddle.Tensor:
        calls.append(1)
        return batch * float("nan") if len(calls) == STEPS + 3 else batch

    calls: list[int] = []
    trainer = build(plain_sgd, augment=spoil, folder=tmp_path)
    with pytest.raises(
        CourseError, match=r"the loss is nan in step 3 of epoch 2: try a learning rate below 0\.1"
    ) as stop:
        trainer.fit(TRAIN, epochs=3)
    assert "last.npz" in str(stop.value)
    assert len(trainer.history.step_losses) == STEPS + 2
    assert len(calls) == STEPS + steps_run
    arrays, facts = checkpoint.read(tmp_path / "last.npz")
    assert (facts["epoch"], facts["step"]) == (1, 0)
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_weights_that_burst_in_the_last_step_are_not_kept(tmp_path: Path) -> None:
    trainer = build(plain_sgd, folder=tmp_path, batch_size=22)
    trainer.optimizer.set_lr(float("inf"))
    with pytest.raises(CourseError, match="the weights are not finite after step 1 of epoch 1"):
        trainer.fit(TRAIN, epochs=1)
    assert list(tmp_path.iterdir()) == []


def test_a_callback_that_fails_costs_no_epoch(tmp_path: Path) -> None:
    def fail(trainer: Trainer, history: History) -> None:
        raise RuntimeError("no picture")

    with pytest.raises(RuntimeError, match="no picture"):
        build(folder=tmp_path, callbacks=[fail]).fit(TRAIN, epochs=2)
    resumed = build(folder=tmp_path)
    assert len(resumed.fit(TRAIN, epochs=2, resume=True).rows) == 2


# -- checkpoints


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "run.npz"
    build().save(path)
    return path


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_noticed_or_harmless(good: Path, data: st.DataObject) -> None:
    whole = good.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    path = good.with_name("flipped.npz")
    path.write_bytes(damaged)
    expected, facts = checkpoint.read(good)
    try:
        arrays, facts_read = checkpoint.read(path)
    except CourseError:
        return
    assert facts_read == facts
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in expected.items()
    }


def test_a_flipped_weight_is_noticed(good: Path, tmp_path: Path) -> None:
    arrays, _ = checkpoint.read(good)
    content = bytearray(good.read_bytes())
    content[content.find(arrays["net/1.weight"].tobytes())] ^= 1
    (tmp_path / "flipped.npz").write_bytes(content)
    with pytest.raises(CourseError, match="damaged"):
        checkpoint.read(tmp_path / "flipped.npz")


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(good: Path, tmp_path: Path, share: float) -> None:
    content = good.read_bytes()
    (tmp_path / "last.npz").write_bytes(content[: int(share * len(content))])
    trainer = build(folder=tmp_path)
    before = bits(trainer)
    with pytest.raises(CourseError, match=r"last\.npz is damaged or is no checkpoint"):
        trainer.fit(TRAIN, resume=True)
    assert bits(trainer) == before


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_text("hello")
    with pytest.raises(CourseError, match="damaged or is no checkpoint"):
        checkpoint.read(path)
    np.savez(path, facts=np.array([{"runs": "code"}], dtype=object))  # a pickle inside
    with pytest.raises(CourseError, match="damaged or is no checkpoint"):
        checkpoint.read(path)
    np.savez(path, facts=np.frombuffer(b'{"format": "another"}', np.uint8))
    with pytest.raises(CourseError, match="is not a course_utils checkpoint 1"):
        checkpoint.read(path)
    with pytest.raises(CourseError, match="there is no checkpoint"):
        checkpoint.read(tmp_path / "nothing.npz")


def test_an_unreadable_checkpoint_is_said_to_be_that(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CourseError, match=r"could not be read \(Permission denied\)"):
        checkpoint.read(good)


def test_another_net_is_told_what_does_not_fit(good: Path) -> None:
    net = small_net(hidden=6)
    trainer = Trainer(net, adam_restarting(net))
    before = bits(trainer)
    with pytest.raises(
        CourseError, match=r"net/1\.weight is float32 \[9, 5\] in the file and float32 \[9, 6\] here; .* more"
    ):
        trainer.load(good)
    assert bits(trainer) == before
    with pytest.raises(CourseError, match=r"net/4\.weight is float32 \[5, 3\] in the file and missing here"):
        checkpoint.load_weights(nn.Sequential(*list(small_net())[:4]), good)


def test_another_optimizer_or_schedule_is_refused_and_weights_can_be_had_alone(good: Path) -> None:
    with pytest.raises(
        CourseError,
        match=r"written with Adam and CosineAnnealingWarmRestarts\(T_0=4, .*\), this trainer has SGD and no",
    ):
        build(plain_sgd).load(good)
    net = small_net()
    checkpoint.load_weights(net, good)
    assert net[1].weight.numpy().tobytes() == build().net[1].weight.numpy().tobytes()


@pytest.mark.parametrize("change", [{"seed": 1}, {"batch_size": 5}])
def test_resuming_another_run_is_refused(change: dict[str, int], tmp_path: Path) -> None:
    build(folder=tmp_path).fit(TRAIN)
    with pytest.raises(CourseError, match=f"the run to resume had {next(iter(change))}"):
        build(folder=tmp_path, **change).fit(TRAIN, resume=True)
    with pytest.raises(CourseError, match="had training images 22, this one has 7"):
        build(folder=tmp_path).fit(VALID, resume=True)


def test_an_untrained_state_can_be_resumed(tmp_path: Path) -> None:
    whole = build()
    whole.fit(TRAIN)
    build().save(tmp_path / "last.npz")
    resumed = build(folder=tmp_path)
    resumed.fit(TRAIN, resume=True)
    assert bits(resumed) == bits(whole)


def test_gradients_of_before_do_not_count() -> None:
    whole, other = build(), build()
    whole.fit(TRAIN)
    other.net(paddle.ones([4, 1, 3, 3])).sum().backward()
    other.net[2]._mean.set_value(whole.net[2]._mean * 0)
    other.net[2]._variance.set_value(whole.net[2]._variance * 0 + 1)
    other.fit(TRAIN)
    assert bits(other) == bits(whole)


def test_nothing_to_resume_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="there is no checkpoint"):
        build(folder=tmp_path).fit(TRAIN, resume=True)
    with pytest.raises(ValueError, match="nothing was trained yet"):
        build().fit(TRAIN, resume=True)


def test_a_full_disk_leaves_the_previous_checkpoint(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.npz"
    path.write_bytes(good.read_bytes())

    def write_half(file: io.BufferedWriter, **arrays: np.ndarray) -> None:
        file.write(good.read_bytes()[:500])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", write_half)
    with pytest.raises(CourseError, match=r"could not be written \(No space left on device\)"):
        build().save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["last.npz"]
    build().load(path)


def test_a_crash_while_writing_leaves_the_previous_checkpoint(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.npz"
    path.write_bytes(good.read_bytes())
    trainer = build()
    trainer.fit(TRAIN)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            trainer.save(path)
    assert path.read_bytes() == good.read_bytes()
    os.link(path, tmp_path / "old.npz")
    trainer.save(path)  # what the crash left beside it is no obstacle
    assert (tmp_path / "old.npz").read_bytes() == good.read_bytes()  # replaced whole, not written over
    (tmp_path / "old.npz").unlink()
    assert [file.name for file in tmp_path.iterdir()] == ["last.npz"]
    reloaded = build()
    reloaded.load(path)
    assert bits(reloaded) == bits(trainer)
    assert reloaded.history == trainer.history


def test_best_is_kept_only_where_validation_is_strictly_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.5, 0.4, 0.5, 0.75])
    trainer = build(folder=tmp_path)
    monkeypatch.setattr(trainer, "_evaluate", lambda data: Evaluation(1.0, next(accuracies), 0, 0))
    best = []
    trainer.callbacks = [lambda *_: best.append((tmp_path / "best.npz").is_file() and trainer_epoch(tmp_path))]
    trainer.fit(TRAIN, VALID, epochs=4)
    assert [*best, trainer_epoch(tmp_path)] == [False, 1, 1, 1, 4]


def trainer_epoch(folder: Path) -> int:
    return checkpoint.read(folder / "best.npz")[1]["epoch"]


def test_best_is_kept_even_at_0_percent_and_never_without_validation(tmp_path: Path) -> None:
    trainer = build(folder=tmp_path)
    trainer.fit(TRAIN)
    assert not (tmp_path / "best.npz").exists()
    images = VALID[0]
    predictions = trainer.predict(images).argmax(1)
    nothing_right = (images, (predictions + 1) % 3)
    fresh = build(folder=tmp_path)
    monitored = fresh.fit(TRAIN, nothing_right)
    assert (tmp_path / "best.npz").exists()
    assert monitored.rows[0].valid_accuracy == 0


# -- evaluation, history, arguments


def test_evaluation_equals_a_hand_computation() -> None:
    trainer = build()
    trainer.fit(TRAIN)
    images, labels = VALID
    logits = trainer.predict(images)
    assert (logits.dtype, logits.shape) == (np.float32, (7, 3))
    exact = logits.astype(float)
    losses = np.log(np.exp(exact).sum(1)) - exact[np.arange(7), labels]
    found = trainer.evaluate(VALID)
    assert found.loss == pytest.approx(losses.mean(), rel=1e-6)  # 4 and 3 images: a mean of means would differ
    assert abs(losses.mean() - (losses[:4].mean() + losses[4:].mean()) / 2) > 1e-3
    assert (found.correct, found.total) == ((exact.argmax(1) == labels).sum(), 7)
    assert found.accuracy == found.correct / 7


def test_flip_is_the_mean_of_the_logits_of_both_images() -> None:
    trainer = build()
    trainer.fit(TRAIN)
    images, labels = VALID
    mirrored = np.ascontiguousarray(images[..., ::-1])
    expected = (trainer.predict(images) + trainer.predict(mirrored)) / 2
    assert np.allclose(trainer.predict(images, flip=True), expected, rtol=1e-6)
    assert not np.allclose(trainer.predict(images), expected, rtol=1e-3)
    found = trainer.evaluate(VALID, flip=True)
    assert found.correct == (expected.argmax(1) == labels).sum()
    assert found.loss == trainer.evaluate((mirrored, labels), flip=True).loss


def test_evaluation_uses_evaluation_mode_and_gives_each_layer_its_own_back() -> None:
    trainer = build()
    trainer.net[2].eval()  # a frozen BatchNorm
    modes = [layer.training for layer in trainer.net.sublayers(include_self=True)]
    assert (trainer.predict(VALID[0]) == trainer.predict(VALID[0])).all()
    trainer.evaluate(VALID)
    trainer.fit(TRAIN, VALID)
    assert [layer.training for layer in trainer.net.sublayers(include_self=True)] == modes
    trainer.net.eval()
    trainer.fit(TRAIN)
    assert trainer.net.training


def test_a_net_with_one_logit_says_class_1_above_0() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 1))

    def loss(logits: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.astype("float32"))

    trainer = Trainer(net, plain_sgd(net), loss=loss)
    images = VALID[0]
    labels = (trainer.predict(images)[:, 0] > 0).astype(np.uint8)
    assert trainer.evaluate((images, labels)).accuracy == 1


def test_mixed_precision_on_a_device_without_it_is_one_sentence_and_changes_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onednn, "has_bfloat16", lambda: False)
    plain, mixed = build(report=None), build(amp=True)
    plain.fit(TRAIN)
    mixed.fit(TRAIN)
    assert bits(plain) == bits(mixed)
    assert capsys.readouterr().out.startswith("amp: there is no bfloat16 training on this device, so it stays in ")


def test_mixed_precision_is_asked_for_where_the_device_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(paddle, "get_device", lambda: "gpu:0")
    monkeypatch.setattr(paddle.amp, "is_bfloat16_supported", lambda: True)
    monkeypatch.setattr(
        paddle.amp, "auto_cast", lambda **options: asked.append(options["dtype"]) or contextlib.nullcontext()
    )
    build(amp=True, report=None).fit(TRAIN)
    assert asked == ["bfloat16"] * STEPS


@pytest.mark.skipif(not onednn.has_bfloat16(), reason="this processor has no bfloat16")
def test_on_cpu_it_is_the_convolutions_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_CONV", raising=False)
    trainers = []
    for amp in (False, True):
        paddle.seed(7)
        net = nn.Sequential(nn.Conv2D(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2D(16, 3, 3), nn.Flatten())
        trainers.append(Trainer(net, plain_sgd(net), batch_size=4, amp=amp, report=None))
        trainers[-1].fit(TRAIN)
    plain, mixed = trainers
    assert plain.history.step_losses != mixed.history.step_losses
    assert np.allclose(plain.history.step_losses, mixed.history.step_losses, rtol=0.02)
    assert all(weight.dtype == paddle.float32 for weight in mixed.net.parameters())
    mixed.net.set_state_dict(plain.net.state_dict())
    assert np.array_equal(plain.predict(VALID[0]), mixed.predict(VALID[0]))  # not in evaluation
    monkeypatch.setenv("COURSE_CONV", "paddle")
    assert not modes.has_bfloat16()


def test_history_tells_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    trainer = build(plain_sgd, callbacks=[lambda trainer, history: seen.append((trainer, len(history.rows)))])
    history = trainer.fit(TRAIN, VALID, epochs=2)
    assert seen == [(trainer, 1), (trainer, 2)]
    assert history is trainer.history
    assert history.column("epoch") == [1, 2]
    sizes = [4] * 5 + [2]
    assert history.column("loss")[1] == pytest.approx(np.dot(history.step_losses[STEPS:], sizes) / 22)
    valid = trainer.evaluate(VALID)
    assert history.rows[1][3:5] == (valid.loss, valid.accuracy)
    assert history.rows[1].seconds > 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(row) for row in history.rows]
    assert trainer.fit(TRAIN).column("valid_accuracy") == [None]
    assert build().fit(TRAIN, epochs=0) == History()
    with pytest.raises(ValueError, match="no column 'acuracy': use one of epoch, lr, loss, valid_loss"):
        history.column("acuracy")


def test_a_row_reads_well() -> None:
    assert str(Epoch(3, 0.001, 0.12345, 0.05, 0.9876, 12.34)) == (
        "epoch   3  lr 0.001  loss 0.1235  valid loss 0.0500  valid accuracy 98.76 %  12.3 s"
    )
    assert str(Epoch(3, 0.001, 0.12345, None, None, 12.34)) == "epoch   3  lr 0.001  loss 0.1235  12.3 s"


def test_a_bar_in_a_terminal_and_none_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        build().fit(TRAIN)
        assert ("epoch 1:" in stream.getvalue()) is shown


def test_prepare_sees_uint8_batches_and_augment_only_training() -> None:
    shapes = []

    def prepare(batch: paddle.Tensor) -> paddle.Tensor:
        shapes.append((batch.dtype, batch.shape[0]))
        return batch.astype("float32") / 127.5 - 1

    noise = Noise()
    trainer = build(prepare=prepare, augment=noise)
    trainer.fit(TRAIN)
    trainer.evaluate(VALID)
    trainer.predict(VALID[0])
    assert shapes == [(paddle.uint8, size) for size in (4, 4, 4, 4, 4, 2, 4, 3, 4, 3)]
    assert noise.calls == STEPS


def test_an_epoch_shows_every_image_once_and_in_another_order_each_time() -> None:
    seen: list[float] = []

    def prepare(batch: paddle.Tensor) -> paddle.Tensor:
        seen.extend(batch[:, 0, 0, 0].tolist())
        return batch.astype("float32")

    images = np.zeros((22, 1, 3, 3), np.uint8)
    images[:, 0, 0, 0] = range(22)
    build(prepare=prepare).fit((images, TRAIN[1]), epochs=2)
    first, second = seen[:22], seen[22:]
    assert sorted(first) == sorted(second) == list(range(22))
    assert first != second


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (TRAIN[0][:0], TRAIN[1][:0], "training split is empty"),
        (TRAIN[0], TRAIN[1][:-1], "22 images and 21 labels"),
        (TRAIN[0].astype("float32"), TRAIN[1], r"images are float32 \[22, 1, 3, 3\]: give uint8"),
        (TRAIN[0][:, 0], TRAIN[1], r"images are uint8 \[22, 3, 3\]: give uint8"),
        (TRAIN[0], TRAIN[1].astype(float), r"labels are float64 \[22\]: give whole numbers"),
        (TRAIN[0], TRAIN[1][:, None], r"labels are int64 \[22, 1\]: give whole numbers"),
    ],
)
def test_bad_splits_are_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build().fit((images, labels))


def test_bad_arguments_are_refused() -> None:
    net = small_net()
    with pytest.raises(ValueError, match="batch_size 0"):
        build(batch_size=0)
    with pytest.raises(ValueError, match="seed -1"):
        build(seed=-1)
    with pytest.raises(ValueError, match="ReduceOnPlateau waits for a metric"):
        Trainer(net, paddle.optimizer.SGD(lr.ReduceOnPlateau(0.1), parameters=net.parameters()))
    with pytest.raises(ValueError, match="epochs -1"):
        build().fit(TRAIN, epochs=-1)
    with pytest.raises(ValueError, match="prediction split is empty"):
        build().predict(VALID[0][:0])


@pytest.mark.parametrize("conv", ["auto", "paddle"])
def test_fast_convolutions_hold_while_the_trainer_runs_and_not_after(
    monkeypatch: pytest.MonkeyPatch, conv: str
) -> None:
    monkeypatch.setenv("COURSE_CONV", conv)
    native = paddle.nn.functional.conv2d
    seen = []

    class Net(paddle.nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.conv = paddle.nn.Conv2D(1, 2, 3)

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            seen.append(paddle.nn.functional.conv2d is native)
            return self.conv(x).mean([2, 3])

    net = Net()
    images, labels = np.zeros((4, 1, 5, 5), np.uint8), np.zeros(4, np.int64)
    trainer = Trainer(net, paddle.optimizer.SGD(0.1, parameters=net.parameters()), report=None)
    trainer.fit((images, labels))
    trainer.evaluate((images, labels))
    trainer.predict(images)
    expected = conv == "paddle" or not availability()
    assert seen == [expected] * 3
    assert paddle.nn.functional.conv2d is native


def test_asking_for_onednn_where_there_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_CONV", "onednn")
    monkeypatch.setattr("course_utils.onednn.availability", lambda: Availability(False, "no library"))
    net = paddle.nn.Linear(4, 2)
    trainer = Trainer(net, paddle.optimizer.SGD(0.1, parameters=net.parameters()), report=None)
    with pytest.raises(CourseError, match="COURSE_CONV=onednn, but no library: use COURSE_CONV=auto or paddle"):
        trainer.predict(np.zeros((1, 1, 2, 2), np.uint8))
