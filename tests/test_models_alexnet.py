"""AlexNet: the counts of the paper's two towers, where they cross, and equality with paddle.vision's variant."""

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn
from paddle.nn import functional as F
from paddle.vision import models as vision

from course_utils.models.alexnet import AlexNet, LocalResponseNorm, alexnet
from course_utils.models.weights import copy_weights
from course_utils.models.widths import scaled
from course_utils.ops.local_response import local_response_norm
from course_utils.summary import blueprint


def tiny(**options):
    return alexnet(10, width=1 / 16, **{"stem": "cifar", "image_size": 32, **options})


@pytest.mark.parametrize(("towers", "parameters"), [(2, 60_965_224), (1, 62_378_344)])
def test_parameters(towers, parameters):
    table = blueprint(lambda: alexnet(towers=towers), (1, 3, 224, 224))
    assert table.trainable == parameters
    linear = {row.name: row.trainable for row in table.rows if row.kind == "Linear"}
    assert linear == {"fc6": 37_752_832, "fc7": 16_781_312, "fc8": 4_097_000}
    shapes = {row.name: row.output_shape[1:] for row in table.rows if row.kind == "Conv2D"}
    assert shapes == {
        "conv1": (96, 55, 55),
        "conv2": (256, 27, 27),
        "conv3": (384, 13, 13),
        "conv4": (384, 13, 13),
        "conv5": (256, 13, 13),
    }


def test_it_equals_the_one_of_paddle_vision_with_its_weights():
    """paddle.vision's is the one-tower form of 2014 with 64 first channels; its dropout halves in evaluation."""
    with paddle.LazyGuard():
        theirs = vision.alexnet(num_classes=10)
    theirs._fc6, theirs._fc7, theirs._fc8 = nn.Linear(9216, 20), nn.Linear(20, 20), nn.Linear(20, 10)
    for layer in (theirs._conv1, theirs._conv2, theirs._conv3, theirs._conv4, theirs._conv5):
        for parameter in layer.parameters():
            parameter.initialize()
    theirs._drop1.mode = theirs._drop2.mode = "upscale_in_train"
    ours = AlexNet(10, towers=1, widths=(64, 192, 384, 256, 256), hidden=20, lrn=False)
    copy_weights(theirs, ours, rename={"_conv.": "", "_conv": "conv", "_fc": "fc"})
    theirs.eval(), ours.eval()
    x = paddle.randn([1, 3, 224, 224])
    with paddle.no_grad():
        expected, found = theirs(x).numpy(), ours(x).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_towers_cross_at_conv3_and_nowhere_before():
    paddle.seed(0)
    net = tiny(lrn=False)

    def reaches(layer, channels):
        """Whether each half of the output hears of the first half of the input."""
        x = paddle.randn([1, channels, 7, 7])
        x.stop_gradient = False
        y = layer(x)
        gradients = [paddle.grad(part.sum(), x, retain_graph=True)[0] for part in y.chunk(2, axis=1)]
        return [bool(gradient[:, : channels // 2].abs().max() > 0) for gradient in gradients]

    assert reaches(net.conv2, 6) == [True, False]
    assert reaches(net.conv3, 16) == [True, True]
    assert reaches(net.conv4, 24) == reaches(net.conv5, 24) == [True, False]


def test_another_image_size_fails_at_the_first_linear_layer():
    with pytest.raises(ValueError, match=r"does not accept an input of shape \[1, 3, 64, 64\]"):
        blueprint(alexnet, (1, 3, 64, 64))


def test_width_scales_every_layer():
    net = tiny()
    assert [layer.weight.shape[0] for layer in (net.conv1, net.conv2, net.conv3)] == [6, 16, 24]
    assert list(net.fc7.weight.shape) == [256, 256]
    assert list(net(paddle.randn([2, 3, 32, 32])).shape) == [2, 10]
    assert [scaled(96, 0.25), scaled(3, 0.01), scaled(10, 0.25, multiple=4)] == [24, 1, 4]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AlexNet(stem="7x7"), "stem '7x7' is not known: use 'imagenet' or 'cifar'"),
        (lambda: AlexNet(widths=(4, 4, 4)), "give five multiples of 2"),
        (lambda: AlexNet(widths=(3, 4, 4, 4, 4)), "give five multiples of 2"),
        (lambda: alexnet(width=0), "width 0 leaves no channels"),
        (lambda: alexnet(image_size=32), "kernel 3 is larger than the padded input"),
        (lambda: local_response_norm(paddle.zeros([1, 4, 2, 2]), size=4), "size 4 has no middle"),
        (lambda: local_response_norm(paddle.zeros([4, 2, 2])), r"shape \[4, 2, 2\]: use \[N, C, H, W\]"),
    ],
)
def test_what_cannot_be_built_is_an_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4)),
    reach=st.integers(0, 3),
    alpha=st.floats(1e-4, 1.0),
    beta=st.floats(0.25, 1.5),
    k=st.floats(0.5, 3.0),
    seed=st.integers(0, 9),
)
def test_local_response_norm_equals_paddles_whose_alpha_meets_the_mean(shape, reach, alpha, beta, k, seed):
    size = 2 * reach + 1
    x = paddle.to_tensor(np.random.default_rng(seed).normal(0, 2, shape))
    expected = F.local_response_norm(x, size, alpha=size * alpha, beta=beta, k=k).numpy()
    assert np.allclose(local_response_norm(x, size, alpha, beta, k).numpy(), expected, rtol=1e-9)
    assert np.array_equal(
        LocalResponseNorm(size, alpha, beta, k)(x).numpy(), local_response_norm(x, size, alpha, beta, k)
    )


def test_local_response_norm_by_the_papers_sum_and_its_gradient():
    generator = np.random.default_rng(1)
    x, weight = generator.normal(0, 1, (2, 6, 2, 3)), generator.normal(0, 1, (2, 6, 2, 3))

    def by_loops(x):
        y = np.empty_like(x)
        for i in range(6):
            total = sum(x[:, j] ** 2 for j in range(max(0, i - 2), min(5, i + 2) + 1))
            y[:, i] = x[:, i] / (2 + 0.3 * total) ** 0.75
        return y

    tensor = paddle.to_tensor(x, stop_gradient=False)
    y = local_response_norm(tensor, alpha=0.3)
    assert np.allclose(y.numpy(), by_loops(x), rtol=1e-12)
    (y * paddle.to_tensor(weight)).sum().backward()
    step = 1e-6
    for place in ((0, 0, 0, 0), (1, 3, 1, 2), (0, 5, 0, 1)):
        moved = np.zeros_like(x)
        moved[place] = step
        slope = ((by_loops(x + moved) - by_loops(x - moved)) * weight).sum() / (2 * step)
        assert abs(slope - tensor.grad.numpy()[place]) < 1e-7
