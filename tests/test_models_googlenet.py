"""GoogLeNet: the paper's counts and shapes, and equality with paddle.vision's."""

import numpy as np
import paddle
import pytest
from paddle.vision import models as vision
from paddle.vision.models.googlenet import Inception as VisionInception

from course_utils.models.googlenet import PLAN, GoogLeNet, Inception, InceptionWidths, googlenet
from course_utils.models.weights import copy_weights
from course_utils.summary import blueprint, summarize

BLOCK = {
    "_conv1": "branch1",
    "_conv3r": "branch3.0",
    "_conv3": "branch3.1",
    "_conv5r": "branch5.0",
    "_conv5": "branch5.1",
}
BLOCK |= {"_convprj": "branch_pool.1"}
FIRST = InceptionWidths(64, 96, 128, 16, 32, 32)


@pytest.mark.parametrize(("classes", "parameters"), [(1000, 6_998_552), (1, 5_974_577)])
@pytest.mark.parametrize("stem_stride", [1, 2])
def test_parameters(classes, parameters, stem_stride):
    table = blueprint(lambda: googlenet(classes, stem_stride=stem_stride), (1, 3, 224, 224))
    assert table.trainable == parameters


def test_map_sizes_and_channels_of_the_paper():
    table = blueprint(googlenet, (1, 3, 224, 224))
    pools = [row.output_shape[2] for row in table.rows if row.kind == "MaxPool2D" and "branch" not in row.name]
    assert pools == [56, 28, 14, 7]
    channels, found = 192, []
    for stage in PLAN:
        for widths in stage:
            found.append(channels := widths.out_channels(channels))
    assert found == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_what_the_reductions_save():
    naive = FIRST._replace(three_reduce=0, five_reduce=0)
    counts = {w: summarize(Inception(192, w), (1, 192, 28, 28)).trainable for w in (FIRST, naive)}
    assert counts == {FIRST: 163_696, naive: 393_472}
    block = Inception(192, naive._replace(pool_proj=0))
    assert block.out_channels == 64 + 128 + 32 + 192
    assert block(paddle.randn([1, 192, 3, 4])).shape == [1, 416, 3, 4]


def test_a_block_equals_the_one_of_paddle_vision():
    paddle.seed(0)
    theirs = VisionInception(192, 192, *FIRST)
    ours = Inception(192, FIRST, vision_form=True)
    copy_weights(theirs, ours, rename={f"{old}._conv.": f"{new}.0." for old, new in BLOCK.items()})
    x = paddle.randn([2, 192, 9, 9])
    assert np.array_equal(ours(x).numpy(), theirs(x).numpy())


def test_the_net_equals_the_one_of_paddle_vision():
    paddle.seed(1)
    theirs, ours = vision.googlenet(num_classes=10), googlenet(10, vision_form=True)
    for name in list(theirs._sub_layers):
        if name.endswith(("o1", "o2", "out1", "out2")):  # the auxiliary classifiers, which read no further
            setattr(theirs, name, paddle.nn.Identity())
    theirs._drop.mode = "upscale_in_train"
    rename = {f"{old}._conv.": f"{new}.0." for old, new in BLOCK.items()}
    rename |= {
        "_conv_1._conv.": "stem.2.0.",
        "_conv_2._conv.": "stem.3.0.",
        "_conv._conv.": "stem.0.0.",
        "_fc_out": "fc",
    }
    places = [f"_ince{k}{letter}" for k, letters in ((3, "ab"), (4, "abcde"), (5, "ab")) for letter in letters]
    rename |= {name: f"blocks.{k}" for name, k in zip(places, (0, 1, 3, 4, 5, 6, 7, 9, 10), strict=True)}
    copy_weights(theirs, ours, rename=rename)
    theirs.eval(), ours.eval()
    x = paddle.randn([1, 3, 128, 128])
    with paddle.no_grad():
        expected, found = theirs(x)[0].numpy(), ours(x).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_small_pictures_and_batch_norm():
    net = googlenet(10, width=1 / 16, stem="cifar", stem_stride=1, batch_norm=True)
    assert list(net(paddle.randn([2, 3, 32, 32])).shape) == [2, 10]
    table = summarize(net, (1, 3, 32, 32))
    assert table.statistics > 0
    assert next(row.output_shape for row in table.rows if row.kind == "MaxPool2D")[2] == 16


def test_an_unknown_stem_is_an_error():
    with pytest.raises(ValueError, match="stem '7x7' is not known: use 'imagenet' or 'cifar'"):
        GoogLeNet(stem="7x7")
