"""The average of weights: its formula, how a Trainer uses it, and that a resumed run keeps it bit by bit."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from course_utils import checkpoint, recipes
from course_utils.averaging import Average
from course_utils.errors import CourseError
from course_utils.training import Trainer

rng = np.random.default_rng(0)
TRAIN = rng.integers(0, 256, (22, 1, 3, 3), dtype=np.uint8), rng.integers(0, 3, 22)
VALID = rng.integers(0, 256, (7, 1, 3, 3), dtype=np.uint8), rng.integers(0, 3, 7)
STEPS = 6


def build(average: float | None = 0.9, **options: object) -> Trainer:
    paddle.seed(7)
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 5), nn.BatchNorm1D(5), nn.Dropout(0.5), nn.Linear(5, 3))
    optimizer = recipes.nesterov(net, recipes.one_cycle(0.1, 3 * STEPS))
    return Trainer(net, optimizer, **({"batch_size": 4, "average": average, "report": None} | options))


def weights(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in trainer.net.state_dict().items()}


def averages(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in trainer.average.tensors.items()}


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python handles it by itself: test runners change that in their workers."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_it_is_its_formula() -> None:
    layer = nn.Linear(1, 1, bias_attr=False)
    average = Average(layer, decay=0.3)
    expected = 0.0
    for n, weight in enumerate([2.0, -1.0, 4.0, 4.0, 0.5, 3.0]):
        layer.weight.set_value(paddle.full([1, 1], weight))
        average.update()
        decay = min(0.3, n / (n + 9))
        expected = decay * expected + (1 - decay) * weight
        assert average.tensors["weight"].item() == pytest.approx(expected)


def test_whole_numbers_are_copied() -> None:
    layer = nn.Layer()
    layer.register_buffer("count", paddle.to_tensor([3]))
    average = Average(layer)
    for count in (4, 5):
        layer.count.set_value(paddle.to_tensor([count]))
        average.update()
    assert average.tensors["count"].tolist() == [5]


def test_statistics_are_averaged_with_the_weights() -> None:
    trainer, seen = build(), []
    trainer.augment = lambda batch, _: seen.append(weights(trainer)) or batch
    trainer.fit(TRAIN, epochs=1)
    seen = [*seen[1:], weights(trainer)]
    expected = {name: array * 0 for name, array in seen[0].items()}
    for n, arrays in enumerate(seen):
        decay = min(0.9, n / (n + 9))
        expected = {name: decay * expected[name] + (1 - decay) * arrays[name] for name in arrays}
    assert any(name.endswith("_variance") for name in expected)
    assert all(np.allclose(array, expected[name], rtol=1e-5) for name, array in averages(trainer).items())


def test_evaluation_and_prediction_use_it_and_give_the_weights_back() -> None:
    trainer = build()
    history = trainer.fit(TRAIN, VALID, epochs=2)
    own, average = weights(trainer), averages(trainer)
    other = build(average=None)
    other.net.set_state_dict(trainer.average.tensors)
    assert (trainer.predict(VALID[0]) == other.predict(VALID[0])).all()
    assert trainer.evaluate(VALID) == other.evaluate(VALID)
    assert history.rows[-1].valid_loss == other.evaluate(VALID).loss
    assert same(weights(trainer), own)
    assert same(averages(trainer), average)
    other.net.set_state_dict({name: paddle.to_tensor(array) for name, array in own.items()})
    assert (trainer.predict(VALID[0]) != other.predict(VALID[0])).any()


def test_weights_come_back_after_trouble_too() -> None:
    trainer = build()
    trainer.fit(TRAIN)
    own = weights(trainer)
    with contextlib.suppress(KeyboardInterrupt), trainer.average.applied():
        assert not same(weights(trainer), own)
        press_ctrl_c()
    assert same(weights(trainer), own)


def test_training_is_the_same_with_and_without_it() -> None:
    runs = [build(average) for average in (None, 0.9)]
    for trainer in runs:
        trainer.fit(TRAIN, VALID, epochs=2)
    assert same(*map(weights, runs))


def test_before_training_it_is_the_net_itself_and_a_new_fit_begins_anew() -> None:
    trainer, plain = build(), build(average=None)
    for run in (trainer, plain):
        run.net[1].weight.set_value(run.net[1].weight * 2)  # after the average was made
    assert (trainer.predict(VALID[0]) == plain.predict(VALID[0])).all()
    trainer.fit(TRAIN, epochs=1)
    trainer.fit(TRAIN, epochs=1)
    assert trainer.average.updates == STEPS


@pytest.mark.parametrize("stop_after", [1, STEPS, STEPS + 2])
def test_resumed_equals_uninterrupted(stop_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = build()
    whole.fit(TRAIN, VALID, epochs=3)
    stopped = build(folder=tmp_path)
    update, calls = stopped.average.update, iter(range(1, 100))
    monkeypatch.setattr(stopped.average, "update", lambda: update() or (next(calls) == stop_after and press_ctrl_c()))
    assert len(stopped.fit(TRAIN, VALID, epochs=3).step_losses) == stop_after
    resumed = build(folder=tmp_path)
    resumed.fit(TRAIN, VALID, epochs=3, resume=True)
    assert len(resumed.history.step_losses) == 3 * STEPS
    assert same(weights(resumed), weights(whole))
    assert same(averages(resumed), averages(whole))
    assert [row[:-1] for row in resumed.history.rows] == [row[:-1] for row in whole.history.rows]


def test_a_checkpoints_weights_are_those_that_were_evaluated(tmp_path: Path) -> None:
    trainer = build()
    trainer.fit(TRAIN)
    trainer.save(tmp_path / "run.npz")
    other = build(average=None)
    checkpoint.load_weights(other.net, tmp_path / "run.npz")
    assert same(weights(other), averages(trainer))
    fresh = build()
    fresh.save(tmp_path / "fresh.npz")
    checkpoint.load_weights(other.net, tmp_path / "fresh.npz")
    assert same(weights(other), weights(fresh))


def test_another_average_is_refused(tmp_path: Path) -> None:
    build().save(tmp_path / "run.npz")
    build(average=None).save(tmp_path / "plain.npz")
    with pytest.raises(CourseError, match=r"written with Momentum .*, averaging with decay 0\.9, this trainer has"):
        build(average=None).load(tmp_path / "run.npz")
    with pytest.raises(CourseError, match=r"this trainer has .*, averaging with decay 0\.9: use the same"):
        build().load(tmp_path / "plain.npz")
    with pytest.raises(CourseError, match=r"decay 0\.9, this trainer has .*, averaging with decay 0\.5"):
        build(average=0.5).load(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="decay 1 keeps no average"):
        build(average=1)
