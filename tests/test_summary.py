"""Counts by `summarize` against Paddle's layers, for nets of known size and where paddle.summary is wrong."""

import paddle
import pytest
from paddle import nn

from course_utils.summary import blueprint, summarize


def test_resnet18_has_11689512_trainable_parameters():
    table = summarize(paddle.vision.models.resnet18(), (1, 3, 224, 224))
    assert table.trainable == 11_689_512
    assert table.statistics == 9_600
    assert table.macs == 1_814_073_344  # 1,813,561,344 in convolutions and 512,000 in the last layer


def test_each_kind_of_layer():
    net = nn.Sequential(
        nn.Conv2D(3, 8, 3, padding=1, groups=1),
        nn.BatchNorm2D(8),
        nn.ReLU(),
        nn.Conv2DTranspose(8, 4, 2, stride=2),
        nn.Flatten(),
        nn.Linear(4 * 16 * 16, 5),
    )
    rows = summarize(net, (2, 3, 8, 8)).rows
    assert [row.macs for row in rows] == [2 * 8 * 64 * 27, 0, 0, 2 * 8 * 64 * 4 * 4, 0, 2 * 1024 * 5]
    assert [row.trainable for row in rows] == [224, 16, 0, 132, 0, 5125]
    assert [row.statistics for row in rows] == [0, 16, 0, 0, 0, 0]
    assert rows[3].output_shape == (2, 4, 16, 16)


class Twice(nn.Layer):
    """Uses one layer two times, and owns a parameter beside a child."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.scale = self.create_parameter([4])

    def forward(self, x):
        return self.scale * self.shared(self.shared(x))


def test_a_shared_layer_works_twice_and_counts_once():
    table = summarize(Twice(), (1, 4))
    assert [(row.name, row.trainable, row.macs) for row in table.rows] == [
        ("shared", 20, 16),
        ("shared", 0, 16),
        ("Twice", 4, 0),
    ]


def test_frozen_parameters_stand_apart():
    net = nn.Linear(4, 2)
    net.weight.stop_gradient = True
    table = summarize(net, (1, 4))
    assert (table.trainable, table.frozen) == (2, 8)
    assert "8 frozen parameters" in str(table)


def test_a_layer_without_a_rule_is_named():
    table = summarize(nn.Sequential(nn.SimpleRNN(3, 4)), (1, 5, 3))
    assert table.uncounted
    assert "MACs not counted, no rule: 0" in table._repr_html_()


def test_counting_changes_nothing():
    net = nn.Sequential(nn.BatchNorm1D(3), nn.Dropout(0.5))
    net[1].eval()
    before = net[0]._mean.numpy().copy()
    summarize(net, (4, 3))
    assert (net.training, net[0].training, net[1].training) == (True, True, False)
    assert (net[0]._mean.numpy() == before).all()


def test_text_and_html_agree_on_the_total():
    table = summarize(nn.Linear(4, 2), (1, 4))
    assert str(table).splitlines()[-1].split() == ["total", "10", "0", "8"]
    assert "<td>total</td>" in table._repr_html_()


def test_a_wrong_shape_says_so():
    with pytest.raises(ValueError, match=r"Linear does not accept an input of shape \[1, 5\]"):
        summarize(nn.Linear(4, 2), (1, 5))


def test_a_blueprint_counts_as_summarize_does_and_leaves_nothing_behind():
    make = paddle.vision.models.mobilenet_v1
    assert blueprint(make, (1, 3, 64, 64)) == summarize(make(), (1, 3, 64, 64))
    assert paddle.in_dynamic_mode()
    paddle.seed(3)
    expected = paddle.rand([4]).tolist()
    paddle.seed(3)
    blueprint(lambda: nn.Linear(3, 2), (1, 3))
    assert paddle.rand([4]).tolist() == expected


def test_a_blueprint_of_what_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match=r"Linear does not accept an input of shape \[1, 4\]"):
        blueprint(lambda: nn.Linear(3, 2), (1, 4))
    assert paddle.in_dynamic_mode()
