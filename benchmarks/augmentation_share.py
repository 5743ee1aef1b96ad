"""What augmentation costs beside a training step: ratios, side by side.

    OMP_NUM_THREADS=1 python benchmarks/augmentation_share.py [ROUNDS]

Whole batches of 128 x 3 x 32 x 32; the parts take turns, and each is divided by the training step of its own round.
Beside it, the same augmentation one image after the other, as a pipeline of single samples does it.
"""

from __future__ import annotations

import sys

import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils import augment, settings
from course_utils.models import ResNet, cifar_resnet
from course_utils.modes import chosen_convolutions
from course_utils.timing import interleaved_ratios

BATCH = 128
NETS = {
    "ResNet-20 (16, 32, 64)": {},
    "ResNet-14 (24, 48, 96), stem of stride 2": {"depth": 14, "widths": (24, 48, 96), "stem_stride": 2},
}


def main() -> None:
    settings.setup("augmentation_share")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (BATCH, 3, 32, 32), dtype=np.uint8)
    labels = paddle.to_tensor(rng.integers(0, 10, BATCH))
    prepare = augment.standardize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    images = prepare(paddle.to_tensor(raw))
    single = list(images.numpy())
    steps = {
        "crop": augment.crop(4),
        "crop, mirrored border": augment.crop(4, reflect=True),
        "flip": augment.flip(),
        "cutout": augment.cutout(8),
        "crop + flip": augment.in_turn(augment.crop(4), augment.flip()),
        "all three": augment.in_turn(augment.crop(4), augment.flip(), augment.cutout(8)),
    }
    for name, options in NETS.items():
        net = cifar_resnet(**options)
        optimizer = paddle.optimizer.Momentum(0.01, 0.9, net.parameters())
        calls = {"step": lambda net=net, optimizer=optimizer: train_step(net, optimizer, images, labels)}
        calls |= {key: lambda step=step: step(images, rng).numpy() for key, step in steps.items()}
        calls["all three, image by image"] = lambda: np.stack([one_image(image, rng) for image in single])
        with chosen_convolutions():
            ratios = interleaved_ratios(calls, reference="step", repeats=rounds)
        print(f"{name}: share of a training step of {BATCH} images, median of {rounds} rounds")
        for key, ratio in ratios.items():
            print(f"  {key:28} {100 * ratio:7.2f} %")


def train_step(
    net: ResNet, optimizer: paddle.optimizer.Optimizer, images: paddle.Tensor, labels: paddle.Tensor
) -> float:
    loss = F.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
    return float(loss)


def one_image(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crop, flip and cutout of [C, H, W], as a per-sample pipeline would write them in NumPy."""
    down, right = rng.integers(0, 9, 2)
    image = np.pad(image, ((0, 0), (4, 4), (4, 4)))[:, down : down + 32, right : right + 32]
    image = image[:, :, ::-1] if rng.random() < 0.5 else image
    top, left = rng.integers(0, 32, 2) - 4
    image = image.copy()
    image[:, max(top, 0) : max(top + 8, 0), max(left, 0) : max(left + 8, 0)] = 0
    return image


if __name__ == "__main__":
    main()
