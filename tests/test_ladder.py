"""Each rung of the ladder changes one thing, and every rung trains."""

import numpy as np
import paddle
import pytest

from course_utils import ladder
from course_utils.datasets.generated import drawn_shapes


def test_each_rung_changes_one_thing_of_the_one_below():
    assert ladder.settings_on("the book's recipe") == {}
    below = {}
    for rung, change in ladder.RUNGS.items():
        settings = ladder.settings_on(rung)
        assert set(settings.items()) - set(below.items()) == set(change.items())
        assert len(change) == (0 if rung in ("the book's recipe", "test-time flip") else 1)
        below = settings


def test_an_unknown_rung():
    with pytest.raises(ValueError, match="no rung is called 'bf16': use the book's recipe, 10-way head"):
        ladder.settings_on("bf16")


@pytest.mark.parametrize("rung", ladder.RUNGS)
def test_every_rung_trains(rung):
    train = drawn_shapes(128, 0)
    trainer = ladder.on_rung(train, 2, 3, **ladder.settings_on(rung), report=None)
    losses = trainer.fit(train, epochs=2).step_losses
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert trainer.predict(train.images[:2]).shape == (2, trainer.net.fc.weight.shape[1])


def test_the_rungs_do_what_their_names_say():
    train = drawn_shapes(128, 0)
    low, high = (
        ladder.on_rung(train, 2, **ladder.settings_on(rung)) for rung in ("the book's recipe", "test-time flip")
    )
    assert (low.net.fc.weight.shape[1], high.net.fc.weight.shape[1]) == (1000, 10)
    assert (low.net.conv1.weight.shape[2:], high.net.conv1.weight.shape[2:]) == ([7, 7], [3, 3])
    assert (low.augment, low.schedule) == (None, None)
    assert high.schedule is not None
    certain = paddle.to_tensor(np.eye(10, dtype="float32")[:1] * 100)
    label = paddle.to_tensor([0])
    assert float(low.loss(certain, label)) < 1e-6 < 1 < float(high.loss(certain, label))
