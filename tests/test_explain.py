"""Feature maps are the layers' outputs, and the effective receptive field lies inside the counted one."""

import numpy as np
import paddle
import pytest
from paddle import nn

from course_utils.arithmetic import receptive_field
from course_utils.explain import effective_receptive_field, feature_maps


def stack(layers=3):
    return nn.Sequential(*[nn.Conv2D(1, 1, 3, padding=1) for _ in range(layers)])


def test_feature_maps_are_the_outputs_in_order():
    paddle.seed(0)
    net, x = stack(), paddle.randn([2, 1, 8, 8])
    maps = feature_maps(net, x, ["2", "0"])
    assert list(maps) == ["0", "2"]
    assert np.array_equal(maps["0"], net[0](x).numpy())
    assert np.array_equal(maps["2"], net(x).numpy())


def test_an_unknown_layer_names_the_known_ones():
    with pytest.raises(ValueError, match="no layer 'conv9': use 0, 1, 2"):
        feature_maps(stack(), paddle.zeros([1, 1, 8, 8]), ["conv9"])


def test_the_effective_field_lies_inside_the_counted_one():
    paddle.seed(0)
    field = effective_receptive_field(stack, (1, 1, 15, 15), repeats=5)
    size = receptive_field([(3, 1)] * 3).size
    rows = np.flatnonzero(field.sum(axis=1))
    assert rows[-1] - rows[0] + 1 == size
    assert field.max() == 1
    assert field[7, 7] > field[7, 4]


def test_a_net_without_maps_says_so():
    with pytest.raises(ValueError, match="must end in feature maps"):
        effective_receptive_field(lambda: nn.Flatten(), (1, 1, 4, 4), repeats=1)
