"""VGG: the paper's counts, and equality with paddle.vision's on narrow plans."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.vision import models as vision
from paddle.vision.models.vgg import make_layers

from course_utils.models.vgg import PLANS, VGG, vgg, vgg16
from course_utils.models.weights import copy_weights
from course_utils.summary import blueprint


@pytest.mark.parametrize(
    ("depth", "parameters"), [(11, 132_863_336), (13, 133_047_848), (16, 138_357_544), (19, 143_667_240)]
)
def test_parameters_and_layers(depth, parameters):
    table = blueprint(lambda: vgg(depth), (1, 3, 224, 224))
    assert table.trainable == parameters
    assert sum(row.kind in ("Conv2D", "Linear") for row in table.rows) == depth
    assert blueprint(getattr(vision, f"vgg{depth}"), (1, 3, 224, 224)).macs == table.macs


@pytest.mark.parametrize("batch_norm", [False, True])
def test_it_equals_the_one_of_paddle_vision_with_its_weights(batch_norm):
    paddle.seed(0)
    plan = ((2, 4), (2, 6), (3, 8), (3, 8), (3, 8))
    flat = [value for convolutions, channels in plan for value in [*[channels] * convolutions, "M"]]
    with paddle.LazyGuard():
        theirs = vision.VGG(nn.Identity(), num_classes=10)
    theirs.features = make_layers(flat, batch_norm)
    for place, (inputs, outputs) in {0: (8 * 7 * 7, 12), 3: (12, 12), 6: (12, 10)}.items():
        theirs.classifier[place] = nn.Linear(inputs, outputs)
    ours = VGG(plan, 10, hidden=12, batch_norm=batch_norm)
    copy_weights(theirs, ours)
    theirs.eval(), ours.eval()
    x = paddle.randn([1, 3, 224, 224])
    with paddle.no_grad():
        expected, found = theirs(x).numpy(), ours(x).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_small_pictures():
    net = vgg16(10, batch_norm=True, width=1 / 32, image_size=32)
    assert list(net(paddle.randn([2, 3, 32, 32])).shape) == [2, 10]
    assert list(VGG(PLANS[11][:3], 7, 1, hidden=8, image_size=28)(paddle.randn([1, 1, 28, 28])).shape) == [1, 7]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: vgg(12), "no VGG of depth 12: use 11, 13, 16, 19"),
        (lambda: VGG(()), "the plan has no stages"),
        (lambda: vgg16(image_size=16), "an image of 16 vanishes in 5 pools"),
    ],
)
def test_what_cannot_be_built_is_an_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()
