"""A small ResNet on all of CIFAR-10 within a time: eight minutes, an hour, or three.

    python -m paddle.distributed.launch --nproc_per_node 2 \
        benchmarks/cifar10_train.py eight_minutes [--seed 0] [--folder FOLDER] [--valid]

Two processes of one thread each, since the threads of one process wait for each other after every operation, and
processes once a step: where the machine had something else to do, two threads were slower than one. Without the first
line, `python benchmarks/cifar10_train.py ...` trains in one process.

50,000 images to train, no choice made by the 10,000 test images: they are looked at once, after the last epoch. To try
another recipe use --valid, which holds 5,000 of the training images out, and leaves the test images alone.

After each epoch the run is kept in FOLDER; the same command goes on where it stood, after Ctrl-C, a crash or a
shutdown, in as many runs as it takes. Seconds are those of training (a lost part of an epoch is not counted), on the
clock and on the processor, since a busy machine makes the clock run faster than the work. The result is written to
benchmarks/results/cifar10_NAME_seedS.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from course_utils import settings

RESULTS = Path(__file__).parent / "results"
COMMON: dict[str, Any] = {
    "depth": 8,  # of cifar_resnet: the stem, one unit for each width, the last layer
    "stem_stride": 2,
    "batch_size": 128,
    "lr": 0.2,
    "rise": 0.2,  # share of the steps; in epochs where there is a fall, which is in epochs too
    "weight_decay": 5e-4,
    "smoothing": 0.1,
    "padding": 4,
    "amp": True,  # multiply in bfloat16 where the processor can
}
RECIPES: dict[str, dict[str, Any]] = {
    "eight_minutes": COMMON | {"widths": (32, 64, 128), "epochs": 10},
    "one_hour": COMMON | {"depth": 10, "widths": (16, 64, 128, 256), "stem_stride": 1, "epochs": 24},
    "three_hours": COMMON
    | {"depth": 18, "widths": (32, 64, 128, 256), "stem_stride": 1, "epochs": 32, "rise": 2, "fall": 13},
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("name", choices=RECIPES)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "cifar10_train")
    options.add_argument("--valid", action="store_true", help="hold 5,000 training images out, and leave the test")
    asked = options.parse_args()
    settings.setup("cifar10_train", asked.seed)
    train(asked.name, asked.seed, asked.folder / f"{asked.name}_seed{asked.seed}{'_valid' * asked.valid}", asked.valid)


def train(name: str, seed: int, folder: Path, choosing: bool) -> None:
    """Begin or go on with a run, and write its result when it is through."""
    from course_utils import datasets, processes

    processes.join()
    data = datasets.cifar10()
    if not data.real:
        sys.exit("this benchmark needs the real CIFAR-10: course data get cifar10, or COURSE_DATA_DIR=FOLDER")
    images, held_out = data.train.stratified(5_000, seed=1) if choosing else (data.train, None)
    recipe = RECIPES[name]
    clock = ProcessorClock(folder / f"processor{processes.rank()}.json")
    trainer = trainer_for(recipe, images, seed, folder, clock)
    trainer.fit(images, held_out, recipe["epochs"], resume=(folder / "last.npz").exists())
    clock.keep()
    if len(trainer.history.rows) < recipe["epochs"]:
        return
    result = describe(name, recipe, seed, trainer, clock)
    if not processes.is_first():
        return
    if held_out:
        print(json.dumps(result | scored(trainer, held_out), indent=1))
        return
    result |= scored(trainer, data.test)
    path = RESULTS / f"cifar10_{name}_seed{seed}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(f"{path.name}: {100 * result['accuracy']:.2f} %, with mirror images {100 * result['flip_accuracy']:.2f} %")


def trainer_for(recipe: dict[str, Any], images: Any, seed: int, folder: Path, clock: ProcessorClock) -> Any:
    """A Trainer of the recipe. images: the Split that it will train on."""
    from course_utils import augment, datasets, recipes
    from course_utils.models import cifar_resnet
    from course_utils.training import Trainer

    net = cifar_resnet(recipe["depth"], recipe["widths"], stem_stride=recipe["stem_stride"])
    steps = recipes.steps_in(recipe["epochs"], images.size, recipe["batch_size"])
    if "fall" in recipe:
        an_epoch = steps // recipe["epochs"]
        schedule = recipes.trapezoid(recipe["lr"], steps, recipe["rise"] * an_epoch, recipe["fall"] * an_epoch)
    else:
        schedule = recipes.one_cycle(recipe["lr"], steps, recipe["rise"])
    return Trainer(
        net,
        recipes.nesterov(net, schedule, recipe["weight_decay"]),
        loss=recipes.smoothed_cross_entropy(recipe["smoothing"]),
        batch_size=recipe["batch_size"],
        prepare=augment.standardize(*datasets.channel_statistics(images.images)),
        augment=augment.in_turn(augment.crop(recipe["padding"], reflect=True), augment.flip()),
        amp=recipe["amp"],
        seed=seed,
        folder=folder,
        callbacks=[lambda trainer, history: clock.close_epoch(len(history.rows))],
        report=lambda row: print(f"{datetime.datetime.now():%H:%M:%S}  {row}", flush=True),
    )


class ProcessorClock:
    """Seconds of the processor for each epoch, over all runs that it took, in a file beside the checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        stored = json.loads(path.read_text("utf-8")) if path.exists() else {"epochs": [], "pending": 0.0, "runs": 0}
        self.epochs: list[float] = stored["epochs"]
        self.pending: float = stored["pending"]  # of an epoch that was interrupted between two steps
        self.runs: int = stored["runs"] + 1
        self._began = time.process_time()

    def close_epoch(self, epoch: int) -> None:
        """Called after each epoch; what an earlier run wrote before it was cut off is replaced."""
        now = time.process_time()
        self.epochs = [*self.epochs[: epoch - 1], round(self.pending + now - self._began, 2)]
        self.pending, self._began = 0.0, now
        self.keep()

    def keep(self) -> None:
        pending = round(self.pending + time.process_time() - self._began, 2)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"epochs": self.epochs, "pending": pending, "runs": self.runs}), "utf-8")

    def of_all_processes(self) -> list[float]:
        """Each epoch's seconds, added up over the processes of the job, all of which must ask."""
        import paddle
        import paddle.distributed as dist

        seconds = paddle.to_tensor(self.epochs, dtype="float64")
        if dist.is_initialized():
            dist.all_reduce(seconds)
        return [round(value, 1) for value in seconds.tolist()]


def describe(name: str, recipe: dict[str, Any], seed: int, trainer: Any, clock: ProcessorClock) -> dict[str, Any]:
    """What was run, on what, and how it went."""
    import numpy as np
    import paddle

    from course_utils import processes
    from course_utils.modes import has_bfloat16
    from course_utils.onednn import availability

    launch = f" -m paddle.distributed.launch --nproc_per_node {processes.count()}"
    started_by = f"python{launch * (processes.count() > 1)}"
    rows, spent = trainer.history.rows, clock.of_all_processes()
    return {
        "name": name,
        "command": f"{started_by} {shlex.join(sys.argv)}",
        "date": datetime.date.today().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "device": paddle.get_device(),
        "processes": processes.count(),
        "threads": int(os.environ["OMP_NUM_THREADS"]),  # of each process
        "convolutions": availability().sentence + " in bfloat16" * (recipe["amp"] and has_bfloat16()),
        "versions": {"python": platform.python_version(), "paddle": paddle.__version__, "numpy": np.__version__},
        "seed": seed,
        "recipe": recipe,
        "parameters": sum(int(weight.size) for weight in trainer.net.parameters() if not weight.stop_gradient),
        "training_images": trainer._run["training images"],
        "runs": clock.runs,
        "seconds": round(sum(row.seconds for row in rows), 1),
        "processor_seconds": round(sum(spent), 1),
        "rows": [
            {key: _short(value) for key, value in row._asdict().items() if value is not None}
            | {"processor_seconds": seconds}
            for row, seconds in zip(rows, spent, strict=True)
        ],
    }


def scored(trainer: Any, split: Any) -> dict[str, Any]:
    """Accuracy on a split with its 95 % interval, of single images and with mirror images."""
    from course_utils.metrics import wilson_interval

    plain, flipped = trainer.evaluate(split), trainer.evaluate(split, flip=True)
    return {
        "total": plain.total,
        "correct": plain.correct,
        "accuracy": plain.accuracy,
        "interval": [round(end, 4) for end in wilson_interval(plain.correct, plain.total)],
        "flip_correct": flipped.correct,
        "flip_accuracy": flipped.accuracy,
        "flip_interval": [round(end, 4) for end in wilson_interval(flipped.correct, flipped.total)],
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "processor unknown")


def _short(value: float) -> float:
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
