"""Residual networks: equal to paddle.vision's with its weights, counted, and without loose ends when plain."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn
from paddle.vision import models as vision

from course_utils.models.resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    cifar_resnet,
    copy_from_vision,
    resnet18,
    resnet34,
    resnet50,
)
from course_utils.models.weights import copy_weights
from course_utils.summary import summarize


def perturb_statistics(net, seed=0):
    """Running means and variances as after some training, and affine parameters too."""
    generator = np.random.default_rng(seed)
    for layer in net.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            for value in (layer._mean, layer.bias):
                value.set_value(generator.normal(0, 0.1, value.shape).astype("float32"))
            for value in (layer._variance, layer.weight):
                value.set_value(generator.uniform(0.5, 1.5, value.shape).astype("float32"))


@pytest.mark.parametrize(
    ("ours", "theirs", "parameters", "statistics"),
    [
        (resnet18, vision.resnet18, 11_689_512, 9_600),
        (resnet50, vision.resnet50, 25_557_032, 53_120),
    ],
)
def test_ours_equals_the_one_of_paddle_vision_with_its_weights(ours, theirs, parameters, statistics):
    paddle.seed(0)
    reference, net = theirs(), ours()
    perturb_statistics(reference)
    copy_from_vision(reference, net)
    reference.eval(), net.eval()
    x = paddle.randn([2, 3, 32, 32])
    with paddle.no_grad():
        expected, found = reference(x).numpy(), net(x).numpy()
    assert np.abs(found - expected).max() < 1e-5 * max(1, np.abs(expected).max())
    table = summarize(net, (1, 3, 32, 32))
    assert (table.trainable, table.statistics) == (parameters, statistics)


def test_resnet34_has_as_many_parameters_as_the_one_of_paddle_vision():
    own, theirs = (net.state_dict() for net in (resnet34(), vision.resnet34()))
    assert sum(value.size for value in own.values()) == sum(value.size for value in theirs.values()) == 21_814_696
    assert sum(p.size for p in resnet34().parameters() if not p.stop_gradient) == 21_797_672


@pytest.mark.parametrize("name", ["shorcut", "downsample"])
def test_a_misspelt_name_is_an_error_and_changes_nothing(name):
    reference, net = vision.resnet18(num_classes=10), resnet18(num_classes=10)
    before = net.fc.weight.numpy()
    with pytest.raises(ValueError, match=rf"15 names of ResNet to ResNet have no place there, first .*\.{name}\.0"):
        copy_weights(reference, net, rename={"downsample": name})
    assert np.array_equal(before, net.fc.weight.numpy())


def test_a_place_without_a_value_and_another_shape_are_errors():
    with pytest.raises(ValueError, match=r"places of ResNet to ResNet get no value, first 'layer2\.0\.shortcut"):
        copy_weights(cifar_resnet(8, use_residual=False), cifar_resnet(8))
    with pytest.raises(ValueError, match=r"'fc\.weight' of ResNet to ResNet has the shapes \[64, 10\] and \[64, 7\]"):
        copy_weights(cifar_resnet(8), cifar_resnet(8, num_classes=7))


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_unit_adds_its_residual_to_its_shortcut(block, stride):
    paddle.seed(1)
    unit = block(4, 6, stride)
    x = paddle.randn([2, 4, 7, 7])
    side = 7 if stride == 1 else 4
    assert list(unit(x).shape) == [2, 6 * block.expansion, side, side]
    unit.eval()
    expected = np.maximum(unit.residual(x).numpy() + unit.shortcut(x).numpy(), 0)
    assert np.array_equal(unit(x).numpy(), expected)


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_unit_whose_last_norm_starts_at_zero_is_the_identity(block):
    paddle.seed(2)
    unit = block(4 * block.expansion, 4, zero_init_last=True)
    x = F.relu(paddle.randn([2, 4 * block.expansion, 5, 5]))
    assert np.array_equal(unit(x).numpy(), x.numpy())
    assert isinstance(unit.shortcut, nn.Identity)


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_plain_net_has_no_parameter_that_gradients_do_not_reach(block):
    paddle.seed(3)
    options = {"in_channels": 1, "num_classes": 5, "stem": "cifar"}
    plain = ResNet(block, (1, 2), (4, 6), use_residual=False, **options)
    residual = ResNet(block, (1, 2), (4, 6), **options)
    F.cross_entropy(plain(paddle.randn([4, 1, 9, 9])), paddle.to_tensor([0, 1, 2, 3])).backward()
    assert [name for name, p in plain.named_parameters() if not p.stop_gradient and p.grad is None] == []
    own, more = plain.state_dict(), residual.state_dict()
    assert own.keys() == {name for name in more if ".shortcut." not in name} != more.keys()


def test_stems_keep_or_shrink_the_map():
    def first_map(net):
        rows = summarize(net, (1, 3, 32, 32)).rows
        return next(row.output_shape[2] for row in rows if row.name.startswith("layer1.0.conv1"))

    assert first_map(resnet18(num_classes=10)) == 8
    assert first_map(resnet18(num_classes=10, stem="cifar")) == 32
    assert first_map(cifar_resnet(stem_stride=2)) == 16


def test_the_cifar_family_counts_its_layers():
    net = cifar_resnet()
    assert summarize(net, (1, 3, 32, 32)).trainable == 272_474
    assert [name for name, layer in net.units().items() if list(layer.shortcut.sublayers())] == ["layer2.0", "layer3.0"]
    for depth, widths in ((20, (16, 32, 64)), (18, (4, 4, 8, 8)), (34, (4, 4, 8, 8))):
        net = cifar_resnet(depth, widths, use_residual=False)
        weighted = [layer for layer in net.sublayers() if isinstance(layer, nn.Conv2D | nn.Linear)]
        assert len(weighted) == depth


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cifar_resnet(21), r"depth 21 does not divide into 3 equal stages: use 6 n \+ 2"),
        (lambda: cifar_resnet(2), "depth 2 does not divide"),
        (lambda: resnet18(stem="7x7"), "stem '7x7' is not known: use 'imagenet' or 'cifar'"),
        (lambda: ResNet(BasicBlock, (1, 1), (8,)), "2 depths and 1 widths"),
        (lambda: cifar_resnet(8, use_residual=False, zero_init_last=True), "a net of zeros"),
    ],
)
def test_what_cannot_be_built_is_an_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()
