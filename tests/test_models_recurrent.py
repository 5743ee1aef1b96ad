"""The sequence classifier reads to the real end, its starts are what they say, and images are rows."""

import numpy as np
import paddle
import pytest

from course_utils.models import SequenceClassifier

KINDS = ("simple", "gru", "lstm")


def made(kind, **options):
    paddle.seed(3)
    return SequenceClassifier(kind, 5, 4, 3, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_it_would_say_after_the_last_real_step(kind):
    net, x = made(kind), paddle.randn([2, 6, 5])
    every = net.every_step(x).numpy()
    assert every.shape == (2, 6, 3)
    assert np.allclose(net(x).numpy(), every[:, -1], atol=1e-6)
    assert np.allclose(net(x, [4, 6]).numpy(), [every[0, 3], every[1, 5]], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_read_row_by_row(kind):
    net, images = made(kind), paddle.randn([2, 1, 7, 5])
    assert np.array_equal(net(images).numpy(), net(images[:, 0]).numpy())
    assert net.every_step(images).shape == [2, 7, 3]


@pytest.mark.parametrize("kind", KINDS[1:])
def test_keep_moves_the_gate_that_keeps_and_nothing_else(kind):
    plain, kept = (made(kind, **options).recurrent.parameters() for options in ({}, {"keep": 2.0}))
    moved = [(b.numpy() - a.numpy()).round(5) for a, b in zip(plain, kept, strict=True)]
    assert moved[2][4:8].tolist() == [2] * 4
    assert sum(abs(part).sum() for part in moved) == 8
    # The gate itself: with this bias alone, half of the state of GRU's and LSTM's is kept by no less than sigmoid(2).
    for parameter in kept:
        parameter.set_value(np.zeros(parameter.shape, "float32"))
    start = np.zeros(kept[2].shape, "float32")
    start[4:8] = 2
    kept[2].set_value(start)
    net = made(kind)
    for place, value in zip(net.recurrent.parameters(), kept, strict=True):
        place.set_value(value)
    state = paddle.ones([1, 1, 4])
    _, last = net.recurrent(paddle.zeros([1, 1, 5]), (state, state) if kind == "lstm" else state)
    remembered = last[1] if kind == "lstm" else last
    assert np.allclose(remembered.numpy(), 1 / (1 + np.exp(-2)), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_orthogonal_blocks_keep_lengths(kind):
    u = made(kind, orthogonal=True).recurrent.parameters()[1].numpy()
    for block in np.split(u, len(u) // 4):
        assert np.allclose(block @ block.T, np.eye(4), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_gives_the_same_bits(kind):
    first, second = (made(kind, orthogonal=True)(paddle.ones([1, 3, 5])).numpy() for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnn", 5, 4, 3), "called 'rnn': use simple, gru, lstm"),
        (("simple", 5, 4, 3, 1.0), "a simple cell has no gate"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(*arguments)
