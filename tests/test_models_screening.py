"""The nets for fundus photographs: as many parameters as the course says, and the shapes on the way."""

import paddle
import pytest
from paddle import nn

from course_utils.models import googlenet, resnet18, resnet50, vgg16
from course_utils.models.resnet import BasicBlock
from course_utils.models.screening import ScreeningLeNet, fundus_net, screening_alexnet


def learned(net):
    return sum(parameter.size for parameter in net.parameters() if not parameter.stop_gradient)


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (ScreeningLeNet, 19_233_841),
        (lambda: ScreeningLeNet("relu"), 19_233_841),
        (lambda: ScreeningLeNet("relu", batch_norm=True), 19_233_841 + 2 * (6 + 16 + 120)),
        (screening_alexnet, 71_916_929),
        (lambda: vgg16(1), 134_264_641),
        (lambda: googlenet(1, stem_stride=1), 5_974_577),
        (lambda: resnet18(num_classes=1), 11_177_025),
        (lambda: resnet50(num_classes=1), 23_510_081),
        (fundus_net, 309_585),
    ],
)
def test_as_many_parameters_as_they_should_have(build, parameters):
    with paddle.LazyGuard():  # counted without filling them
        net = build()
    assert learned(net) == parameters


def shapes_on_the_way(net, kind):
    """The output shapes, without the batch, of each layer of this kind in a forward pass of one photograph."""
    found = []
    for layer in net.sublayers():
        if isinstance(layer, kind):
            layer.register_forward_post_hook(lambda layer, x, y: found.append(list(y.shape[1:])))
    net.eval()
    with paddle.no_grad():
        assert list(net(paddle.zeros([1, 3, 224, 224])).shape) == [1, 1]
    return found


def test_the_maps_of_the_course():
    lenet = shapes_on_the_way(ScreeningLeNet(), (nn.Conv2D, nn.MaxPool2D, nn.Linear))
    assert lenet == [
        *([6, 220, 220], [6, 110, 110], [16, 106, 106], [16, 53, 53], [120, 50, 50]),
        *([64], [1]),
    ]
    alexnet = shapes_on_the_way(screening_alexnet(), (nn.Conv2D, nn.MaxPool2D))
    assert alexnet == [
        *([96, 56, 56], [96, 28, 28], [256, 28, 28], [256, 14, 14]),
        *([384, 14, 14], [384, 14, 14], [256, 14, 14], [256, 7, 7]),
    ]


def test_the_small_net_ends_in_a_map_that_can_be_shown():
    net = fundus_net()
    assert shapes_on_the_way(net, BasicBlock) == [[16, 56, 56], [32, 28, 28], [64, 14, 14], [128, 7, 7]]


@pytest.mark.parametrize(("activation", "kind"), [("sigmoid", nn.Sigmoid), ("relu", nn.ReLU)])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_switches_change_what_they_say(activation, kind, batch_norm):
    net = ScreeningLeNet(activation, batch_norm)
    seen = shapes_on_the_way(net, kind)
    assert seen == [[6, 220, 220], [16, 106, 106], [120, 50, 50], [64]]
    normalized = [layer for layer in net.sublayers() if isinstance(layer, nn.BatchNorm2D)]
    assert len(normalized) == 3 * batch_norm


def test_normalization_stands_before_the_activation():
    """With BatchNorm's weight at 0 and its bias at -1, ReLU after it lets nothing through."""
    net = ScreeningLeNet("relu", batch_norm=True)
    for norm in (net.bn1, net.bn2, net.bn3):
        norm.weight.set_value(paddle.zeros_like(norm.weight))
        norm.bias.set_value(-paddle.ones_like(norm.bias))
    with paddle.no_grad():
        hidden = net.activation(net.fc1.bias)
        assert net(paddle.randn([1, 3, 224, 224])).item() == pytest.approx(net.fc2(hidden).item())


def test_another_activation_is_refused():
    with pytest.raises(ValueError, match="activation 'tanh' is not known: use 'sigmoid' or 'relu'"):
        ScreeningLeNet("tanh")
