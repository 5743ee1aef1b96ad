"""MobileNet v1: the paper's counts, its unit, and equality with paddle.vision's."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.vision import models as vision

from course_utils.models.mobilenet import PLAN, DepthwiseSeparable, MobileNet, mobilenet
from course_utils.models.weights import copy_weights
from course_utils.summary import blueprint, summarize

PLACES = [
    "conv2_1",
    "conv2_2",
    "conv3_1",
    "conv3_2",
    "conv4_1",
    "conv4_2",
    *(f"conv5_{k}" for k in range(1, 7)),
    "conv6",
]


def test_the_papers_counts():
    table = blueprint(mobilenet, (1, 3, 224, 224))
    assert table.trainable == 4_231_976
    assert table.macs == 568_740_352  # the paper's 569 million
    assert blueprint(lambda: mobilenet(width=0.5), (1, 3, 224, 224)).trainable == 1_331_592  # its 1.3 million


@pytest.mark.parametrize("width", [0.125, 0.5])
def test_it_equals_the_one_of_paddle_vision_with_its_weights(width):
    paddle.seed(0)
    theirs, ours = vision.mobilenet_v1(scale=width, num_classes=10), mobilenet(10, width=width)
    generator = np.random.default_rng(0)
    for layer in theirs.sublayers():
        if isinstance(layer, nn.BatchNorm2D):  # other statistics than those that every net starts with
            layer._mean.set_value(generator.normal(0, 0.1, layer._mean.shape).astype("float32"))
            layer._variance.set_value(generator.uniform(0.5, 1.5, layer._mean.shape).astype("float32"))
    parts = {"_depthwise_conv.": "depthwise.", "_pointwise_conv.": "pointwise."}
    copy_weights(theirs, ours, rename={"conv1.": "stem.", **{p: f"units.{k}" for k, p in enumerate(PLACES)}, **parts})
    theirs.eval(), ours.eval()
    x = paddle.randn([2, 3, 64, 64])
    with paddle.no_grad():
        expected, found = theirs(x).numpy(), ours(x).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("stride", "side"), [(1, 7), (2, 4)])
def test_a_unit_counts_as_the_paper_says(stride, side):
    table = summarize(DepthwiseSeparable(6, 10, stride), (1, 6, 7, 7))
    assert table.rows[-1].output_shape == (1, 10, side, side)
    assert table.macs == side**2 * (6 * 9 + 6 * 10)
    assert table.trainable == 6 * 9 + 6 * 10 + 2 * 6 + 2 * 10


def test_a_unit_is_a_kernel_for_each_map_and_a_matrix_for_each_pixel():
    paddle.seed(1)
    unit = DepthwiseSeparable(3, 5)
    unit.eval()
    x = paddle.randn([1, 3, 6, 6])
    kernel = unit.depthwise[0].weight
    maps = paddle.concat(
        [nn.functional.conv2d(x[:, d : d + 1], kernel[d : d + 1], padding=1) for d in range(3)], axis=1
    )
    pixels = nn.functional.relu(unit.depthwise[1](maps))
    mixed = paddle.einsum("pd,ndhw->nphw", unit.pointwise[0].weight[:, :, 0, 0], pixels)
    expected = nn.functional.relu(unit.pointwise[1](mixed)).numpy()
    assert np.abs(unit(x).numpy() - expected).max() < 1e-5


def test_small_pictures_keep_their_map():
    net = MobileNet(7, 1, plan=PLAN[:3], stem_channels=4, stem_stride=1)
    assert summarize(net, (1, 1, 28, 28)).rows[0].output_shape == (1, 4, 28, 28)
    assert list(net(paddle.randn([2, 1, 28, 28])).shape) == [2, 7]
