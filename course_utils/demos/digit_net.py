"""A digit drawn by hand on its way through LeNet: every layer's maps and the ten probabilities."""

from __future__ import annotations

from functools import cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.datasets import digits
from course_utils.demos.draw_digit import EXAMPLE, SIZE, as_mnist, draw_digit
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.explain import feature_maps
from course_utils.models.lenet import LeNet5
from course_utils.plotting.classroom import classroom_axes
from course_utils.training import Trainer

__all__ = ["demo", "draw", "maps_of", "trained"]

IMAGES, EPOCHS = 1_500, 3  # what a net learns from while a class watches the page open
LAYERS = {"c1": "C1: 6 maps", "c3": "C3: 16 maps", "c5": "C5: 120 neurons", "f6": "F6: 84 neurons"}
TILES = {"c1": (2, 3), "c3": (2, 8), "c5": (4, 30), "f6": (4, 21)}  # rows and columns in which they are shown


@cache
def trained() -> Trainer:
    """LeNet after three passes over 1,500 digits at most: the sample's, or MNIST's where it lies in the data folder."""
    import paddle

    data = digits().train
    few = type(data)(data.images[:IMAGES], data.labels[:IMAGES])
    paddle.seed(0)
    net = LeNet5()
    optimizer = paddle.optimizer.Adam(3e-3, parameters=net.parameters())
    trainer = Trainer(net, optimizer, batch_size=32, prepare=_prepare, report=None)
    trainer.fit(few, epochs=EPOCHS)
    return trainer


def maps_of(image: np.ndarray) -> dict[str, np.ndarray]:
    """What each layer passes on for one digit uint8 [1, 1, 28, 28], by name; "output" -> probabilities [10]."""
    import paddle

    net = trained().net
    net.eval()
    maps = feature_maps(net, _prepare(paddle.to_tensor(image)), [*LAYERS, "output"])
    logits = maps.pop("output")[0].astype(float)
    exponents = np.exp(logits - logits.max())
    return {**{name: np.maximum(values[0], 0) for name, values in maps.items()}, "output": exponents / exponents.sum()}


def draw(paper: bytes = EXAMPLE.tobytes(), scale: str = "each layer") -> Figure:
    """The drawing as the net sees it, each layer's maps after its ReLU, and the probabilities.

    paper: 784 bytes, ink 255 on 0. scale: "each layer" or "each map" has its own brightest value.
    Raises ValueError for an empty drawing.
    """
    image = as_mnist(np.frombuffer(paper, np.uint8).reshape(SIZE, SIZE))
    maps = maps_of(image)
    chances = maps["output"]
    best = int(np.argmax(chances))
    figure, axes = classroom_axes(
        f"LeNet reads a {best}, with probability {chances[best]:.2f}",
        "xac;556;556;ppp",
        left=0.03,
        right=0.98,
        bottom=0.09,
        width_ratios=(1, 1.9, 3.6),
        height_ratios=(3, 0.7, 0.7, 1.7),
        hspace=0.75,
        wspace=0.06,
    )
    _draw_map(axes["x"], image[0, 0], "input")
    for letter, (name, title) in zip("ac56", LAYERS.items(), strict=True):
        _draw_map(axes[letter], _tiled(maps[name], TILES[name], scale == "each map"), title)
    axes["p"].bar(range(10), chances, color=["C1" if digit == best else "C0" for digit in range(10)])
    axes["p"].set(ylim=(0, 1.05), xlim=(-0.6, 9.6), yticks=[])
    axes["p"].set_title("probability of each digit")
    axes["p"].set_xticks(range(10))
    return figure


def demo() -> Demo:
    """The demo; the net is trained here, in some seconds."""
    paper = draw_digit(lambda image: maps_of(image)["output"])
    paper.add_traits(value=traitlets.CBytes(paper.pixels))  # by which a stage knows its controls
    traitlets.link((paper, "pixels"), (paper, "value"))
    return Demo(
        controls={
            "paper": paper,
            "scale": widgets.ToggleButtons(options=["each layer", "each map"], description="brightest of"),
        },
        draw=draw,
        presets={"A drawn 3": {"paper": EXAMPLE.tobytes()}, **_examples()},
        **words("digit_net"),
    )


def _examples() -> dict[str, dict[str, Any]]:
    """The first test image of some digits."""
    test = digits().test
    first = {digit: int(np.flatnonzero(test.labels == digit)[0]) for digit in (0, 1, 4, 7, 8)}
    return {f"A test {digit}": {"paper": test.images[at, 0].tobytes()} for digit, at in first.items()}


def _prepare(images: Any) -> Any:
    """uint8 [N, 1, 28, 28] -> float32 [N, 1, 32, 32] in -1 to 1, framed by two pixels of background."""
    import paddle.nn.functional as F

    return F.pad(images.astype("float32") / 127.5 - 1, [2, 2, 2, 2], value=-1.0)


def _tiled(maps: np.ndarray, shape: tuple[int, int], each: bool) -> np.ndarray:
    """Maps [C, H, W], or neurons [C], side by side in rows and columns with a bright line between; brightest 1."""
    maps = maps.reshape(len(maps), *(maps.shape[1:] or (1, 1)))
    brightest = maps.max(axis=(1, 2), keepdims=True) if each and maps.shape[1] > 1 else maps.max()
    framed = np.pad(
        maps / np.maximum(brightest, 1e-9), ((0, 0), (0, 1), (0, 1)) if maps.shape[1] > 1 else ((0, 0),) * 3
    )
    rows, columns = shape
    height, width = framed.shape[1:]
    return framed.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def _draw_map(axis: Axes, values: np.ndarray, title: str) -> None:
    axis.imshow(values, cmap="gray", aspect="auto" if values.shape[0] < 10 else "equal")
    axis.set_title(title)
    axis.set(xticks=[], yticks=[])
