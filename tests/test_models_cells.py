"""The block of Inception-ResNet, NASNet-A's cell, and the small nets made of all blocks."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from course_utils.models.cells import CellNet, InceptionResNetA, NasNetCell, SeparableTwice
from course_utils.models.small import small_nets
from course_utils.summary import blueprint, summarize


def convolution(x, layer):
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2, groups=layer._groups)


def test_inception_resnet_a_adds_a_scaled_sum_of_three_branches():
    paddle.seed(0)
    block = InceptionResNetA(6, 2, scale=0.3)
    block.eval()
    x = paddle.randn([2, 6, 5, 4])

    def path(layers):
        y = x
        for convolved, norm, _ in layers:
            y = F.relu(norm(convolution(y, convolved)))
        return y

    joined = paddle.concat([path([block.branch1]), path(block.branch3), path(block.branch33)], axis=1)
    expected = F.relu(x + 0.3 * convolution(joined, block.join)).numpy()
    assert np.abs(block(x).numpy() - expected).max() < 1e-5
    assert np.array_equal(InceptionResNetA(6, 2, scale=0)(F.relu(x)).numpy(), F.relu(x).numpy())


def test_inception_resnet_a_has_the_papers_widths():
    rows = summarize(InceptionResNetA(), (1, 256, 35, 35)).rows
    shapes = [row.output_shape[1:] for row in rows if row.kind == "Conv2D"]
    assert shapes == [(32, 35, 35)] * 6 + [(256, 35, 35)]
    weights = 3 * 256 * 32 + 3 * 9 * 32 * 32 + 96 * 256
    assert sum(row.trainable for row in rows) == weights + 6 * 2 * 32 + 256


def test_separable_twice_counts_two_of_each():
    table = summarize(SeparableTwice(6, 5), (1, 6, 4, 4))
    assert table.macs == 2 * 16 * (6 * 25 + 6 * 6)
    assert table.trainable == 2 * (6 * 25 + 6 * 6 + 2 * 6)


def test_a_cell_is_the_table_of_figure_4():
    """Five sums over the current h and the previous p; p, which no later sum uses, joins them."""
    paddle.seed(1)
    cell = NasNetCell(4, 3, 2)
    cell.eval()
    x, before = paddle.randn([2, 4, 6, 6]), paddle.randn([2, 3, 6, 6])
    h, p = cell.fit(x), cell.fit_before(before)

    def mean3(y):
        """Over the pixels of the 3x3 window that lie inside."""
        ones = F.avg_pool2d(paddle.ones_like(y), 3, 1, 1, exclusive=False)
        return F.avg_pool2d(y, 3, 1, 1, exclusive=False) / ones

    expected = [
        p,
        cell.five(h) + cell.three_before(p),
        cell.five_before(p) + cell.three_again(p),
        mean3(h) + p,
        2 * mean3(p),
        cell.three(h) + h,
    ]
    y = cell(x, before)
    assert list(y.shape) == [2, cell.out_channels, 6, 6]
    for part, found in zip(expected, y.chunk(6, axis=1), strict=True):
        assert np.abs(found.numpy() - part.numpy()).max() < 1e-5
    first = NasNetCell(4, 4, 2)
    assert np.array_equal(first(x).numpy(), first(x, x).numpy())


def test_a_cell_net_takes_two_cells_before():
    net = CellNet(7, 1, widths=(2, 3), cells=2, stem_channels=4, stem_stride=2)
    before = [cell.fit_before[1].weight.shape[1] for stage in net.stages for cell in stage]
    assert before == [4, 4, 12, 12]
    assert list(net(paddle.randn([2, 1, 9, 9])).shape) == [2, 7]


@pytest.mark.parametrize("name", small_nets())
def test_a_small_net_takes_small_pictures_and_all_of_it_learns(name):
    paddle.seed(2)
    net = small_nets(7, 1)[name]()
    logits = net(paddle.randn([2, 1, 32, 32]))
    assert list(logits.shape) == [2, 7]
    F.cross_entropy(logits, paddle.to_tensor([3, 5])).backward()
    assert [key for key, p in net.named_parameters() if not p.stop_gradient and p.grad is None] == []


def test_small_nets_do_about_the_same_work():
    tables = {name: blueprint(make, (1, 3, 32, 32)) for name, make in small_nets().items()}
    assert all(5e6 < table.macs < 7e6 for name, table in tables.items() if name != "LeNet-5")
    assert {name for name, table in tables.items() if not table.statistics} == {"LeNet-5", "AlexNet"}
