"""LeNet-5 in the form of today and in the form of 1998 (LeCun, Bottou, Bengio & Haffner 1998, section II.B)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

__all__ = ["C3_TABLE", "LayerCount", "LeNet5", "LeNet1998", "lenet_1998_counts"]

# Which of the six maps of S2 each of the sixteen maps of C3 reads: table I of the paper, one group a map.
C3_TABLE = tuple(
    tuple(map(int, maps))
    for maps in "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345".split()
)


class LeNet5(nn.Layer):
    """The modern form: x [N, in_channels, 32, 32] -> logits [N, classes]; 61,706 parameters by default."""

    def __init__(self, classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.c1 = nn.Conv2D(in_channels, 6, 5)
        self.s2 = nn.MaxPool2D(2)
        self.c3 = nn.Conv2D(6, 16, 5)
        self.s4 = nn.MaxPool2D(2)
        self.c5 = nn.Conv2D(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, classes)

    def forward(self, x: Any) -> Any:
        x = self.s2(F.relu(self.c1(x)))  # [N, 6, 14, 14]
        x = self.s4(F.relu(self.c3(x)))  # [N, 16, 5, 5]
        x = F.relu(self.c5(x))  # [N, 120, 1, 1]
        x = F.relu(self.f6(x.flatten(1)))  # [N, 84]
        return self.output(x)


class LeNet1998(nn.Layer):
    """The paper's form: partial C3, trainable pooling, scaled tanh, radial basis outputs; 60,000 parameters.

    x [N, 1, 32, 32] -> logits [N, 10]: minus half the squared distance of F6 to each class's code, the
    log-density of a Gaussian around it. The codes are random +-1, fixed by `code_seed`; the paper draws them as
    7x12 pictures of the digits and names random ones as the alternative.
    """

    def __init__(self, code_seed: int = 0) -> None:
        super().__init__()
        self.c1 = nn.Conv2D(1, 6, 5)
        self.s2 = TrainablePool(6)
        self.c3 = PartialConv2D(C3_TABLE, 5)
        self.s4 = TrainablePool(16)
        self.c5 = nn.Conv2D(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        codes = np.random.default_rng(code_seed).choice([-1.0, 1.0], (10, 84)).astype("float32")
        self.register_buffer("codes", paddle.to_tensor(codes))

    def forward(self, x: Any) -> Any:
        x = self.s2(_squash(self.c1(x)))  # [N, 6, 14, 14]
        x = self.s4(_squash(self.c3(x)))  # [N, 16, 5, 5]
        x = _squash(self.c5(x)).flatten(1)  # [N, 120]
        x = _squash(self.f6(x))  # [N, 84]
        return -((x.unsqueeze(1) - self.codes) ** 2).sum(axis=2) / 2


class PartialConv2D(nn.Layer):
    """A convolution in which output map p reads the input maps table[p] only, with a kernel for each pair."""

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel_size: int) -> None:
        super().__init__()
        pairs = [(p, d) for p, inputs in enumerate(table) for d in inputs]
        self.kernel_shape = [len(table), 1 + max(d for _, d in pairs), kernel_size, kernel_size]
        fan_in = len(pairs) / len(table) * kernel_size**2
        start = nn.initializer.Normal(0.0, fan_in**-0.5)
        self.weight = self.create_parameter([len(pairs), kernel_size, kernel_size], default_initializer=start)
        self.bias = self.create_parameter([len(table)], is_bias=True)
        self.register_buffer("pairs", paddle.to_tensor(pairs, dtype="int64"))

    def forward(self, x: Any) -> Any:
        kernel = paddle.scatter_nd(self.pairs, self.weight, self.kernel_shape)  # zeros where nothing is read
        return F.conv2d(x, kernel, self.bias)

    def macs(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """One for each tap of each pair, at each output position."""
        return output_shape[0] * output_shape[2] * output_shape[3] * self.weight.size


class TrainablePool(nn.Layer):
    """Subsampling of 1998: squash(coefficient * (sum of a 2x2 window) + bias), one pair of numbers a map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        quarter = nn.initializer.Constant(0.25)  # so that it starts as the plain average
        self.coefficient = self.create_parameter([channels, 1, 1], default_initializer=quarter)
        self.bias = self.create_parameter([channels, 1, 1], is_bias=True)

    def forward(self, x: Any) -> Any:
        return _squash(self.coefficient * (4 * F.avg_pool2d(x, 2)) + self.bias)

    def macs(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """One for each output value: its coefficient."""
        return int(np.prod(output_shape))


class LayerCount(NamedTuple):
    """A layer of LeNet-5 as the paper counts it: connections include the biases'."""

    layer: str
    maps: int
    side: int
    trainable: int
    connections: int

    @property
    def neurons(self) -> int:
        return self.maps * self.side**2


def lenet_1998_counts() -> list[LayerCount]:
    """Neurons, trainable parameters and connections of each layer, from the paper's own description.

    A convolution: n (inputs k k + 1) parameters, each used at every position. Pooling: two parameters a map,
    four inputs and a bias a neuron. C3: as many inputs as its table says.
    """
    pairs = sum(map(len, C3_TABLE))
    c1, c3, c5, f6 = 6 * (25 + 1), pairs * 25 + 16, 120 * (16 * 25 + 1), 84 * (120 + 1)
    return [
        LayerCount("C1", 6, 28, c1, c1 * 28**2),
        LayerCount("S2", 6, 14, 6 * 2, 6 * 14**2 * (4 + 1)),
        LayerCount("C3", 16, 10, c3, c3 * 10**2),
        LayerCount("S4", 16, 5, 16 * 2, 16 * 5**2 * (4 + 1)),
        LayerCount("C5", 120, 1, c5, c5),
        LayerCount("F6", 84, 1, f6, f6),
        LayerCount("output", 10, 1, 0, 10 * 84),
    ]


def _squash(x: Any) -> Any:
    """1.7159 tanh(2x/3), for which f(1) = 1 and f(-1) = -1 (appendix A of the paper)."""
    return 1.7159 * paddle.tanh(2 / 3 * x)
