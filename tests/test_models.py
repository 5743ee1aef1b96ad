"""LeNet-5: its counts, its shapes, and that it learns."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from course_utils.models import LeNet5, LeNet1998
from course_utils.models.lenet import C3_TABLE, PartialConv2D, lenet_1998_counts
from course_utils.summary import summarize


def test_the_modern_form_has_61706_parameters():
    table = summarize(LeNet5(), (1, 1, 32, 32))
    assert table.trainable == 61_706
    assert [row.macs for row in table.rows if row.macs] == [117_600, 240_000, 48_000, 10_080, 840]


def test_the_form_of_1998_has_60000_parameters_and_340908_connections():
    counts = lenet_1998_counts()
    assert sum(row.trainable for row in counts) == 60_000
    assert sum(row.connections for row in counts) == 340_908
    built = {row.name: row.trainable for row in summarize(LeNet1998(), (1, 1, 32, 32)).rows}
    assert built == {row.layer.lower(): row.trainable for row in counts if row.trainable}


def test_c3_reads_what_its_table_says():
    paddle.seed(0)
    layer = PartialConv2D(C3_TABLE, 5)
    x = paddle.randn([1, 6, 14, 14])
    x.stop_gradient = False
    y = layer(x)
    for p, inputs in enumerate(C3_TABLE):
        (gradient,) = paddle.grad(y[0, p].sum(), x, retain_graph=True)
        assert tuple(np.flatnonzero(np.abs(gradient.numpy()[0]).sum((1, 2)))) == inputs


@pytest.mark.parametrize("make_net", [LeNet5, LeNet1998])
def test_it_learns_two_patterns(make_net):
    paddle.seed(0)
    net, x = make_net(), paddle.randn([2, 1, 32, 32])
    labels = paddle.to_tensor([3, 8])
    optimizer = paddle.optimizer.Adam(1e-3, parameters=net.parameters())
    for _ in range(30):
        F.cross_entropy(net(x), labels).backward()
        optimizer.step()
        optimizer.clear_grad()
    assert net(x).argmax(1).tolist() == [3, 8]
    assert list(net(x).shape) == [2, 10]
