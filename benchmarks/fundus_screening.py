"""Nets that screen the fundus photographs of iChallenge-PM for pathologic myopia: ours, and those of a known course.

    python benchmarks/fundus_screening.py NET [--seed 0] [--folds] [--folder FOLDER] [--choose]

Trains NET on all training photographs, less duplicates, and then looks once at the validation photographs. With
--folds it also trains it on each four fifths of the training photographs and keeps the logits of the fifth that was
held out: a threshold or a temperature can so be chosen without the validation photographs. To try another recipe use
--choose, which does this alone, leaves the validation photographs alone and writes no result.

After each epoch the run is kept in FOLDER; the same command goes on where it stood, after Ctrl-C, a crash or a
shutdown. What takes seconds, and on what, is told as in cifar10_train.py. The result is written to
benchmarks/results/fundus_NET_seedS.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cifar10_train import RESULTS, ProcessorClock, describe

from course_utils import settings

OURS: dict[str, Any] = {
    "optimizer": "nesterov",
    "lr": 0.05,  # at the top of one cycle
    "rise": 0.2,
    "weight_decay": 5e-4,
    "smoothing": 0.1,
    "batch_size": 16,
    "epochs": 24,
    "warp": {"turn": 15, "zoom": 0.1, "shift": 0.05, "flip": 0.5},
    "jitter": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2},
    "flip": True,  # the mean of each photograph's logit and of its mirror image's
    "amp": True,  # multiply in bfloat16 where the processor can
}
COURSE: dict[str, Any] = {  # no augmentation, colours from -1 to 1, and the same rate all the time
    "optimizer": "momentum",
    "lr": 0.001,
    "weight_decay": 0.0,
    "batch_size": 10,
    "epochs": 5,
    "flip": False,
    "amp": False,
}
RECIPES: dict[str, dict[str, Any]] = {
    "small": OURS,
    "lenet": COURSE,
    "lenet_relu": COURSE,
    "lenet_norm": COURSE,
    "lenet_relu_norm": COURSE,
    "alexnet": COURSE | {"optimizer": "adam", "amp": True},
    "googlenet": COURSE | {"weight_decay": 0.001, "epochs": 3, "amp": True},  # as many as fit into ten minutes
    "resnet18": COURSE | {"weight_decay": 0.001, "amp": True},
    "resnet50": COURSE | {"weight_decay": 0.001, "amp": True},
    "vgg16": COURSE | {"epochs": 2, "amp": True},  # the same
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("net", choices=RECIPES)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--folds", action="store_true", help="train on each four fifths of the training side too")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "fundus_screening")
    options.add_argument("--choose", action="store_true", help="train on the folds alone, and leave the validation")
    asked = options.parse_args()
    settings.setup("fundus_screening", asked.seed)
    from course_utils import datasets

    data = datasets.fundus()
    if not data.real:
        sys.exit("this benchmark needs the real iChallenge-PM: course data get palm, or COURSE_DATA_DIR=FOLDER")
    run = Run(asked.net, asked.seed, asked.folder / f"{asked.net}_seed{asked.seed}")
    if asked.choose:
        run.held_out(data.train)
        return
    run.validated(data)
    if asked.folds:
        run.store(folds=run.held_out(data.train))


class Run:
    """All that is trained of one net with one seed: on the whole training side, and on its folds."""

    def __init__(self, net: str, seed: int, folder: Path) -> None:
        self.net, self.seed, self.folder, self.recipe = net, seed, folder, RECIPES[net]
        self.path = RESULTS / f"fundus_{net}_seed{seed}.json"
        self.result: dict[str, Any] = {}

    def trained(self, split: Any, part: str, seed: int) -> tuple[Any, ProcessorClock]:
        """A Trainer that has trained on the split, in this run or earlier ones; stops the program where Ctrl-C did."""
        clock = ProcessorClock(self.folder / part / "processor.json")
        trainer = trainer_for(self.net, self.recipe, split, seed, self.folder / part, clock)
        trainer.fit(split.arrays, epochs=self.recipe["epochs"], resume=(self.folder / part / "last.npz").exists())
        clock.keep()
        if len(trainer.history.rows) < self.recipe["epochs"]:
            sys.exit(f"{part} is not through: the same command goes on with it")
        return trainer, clock

    def validated(self, data: Any) -> None:
        """Train on the whole training side, and store how it went and the logits on the validation side."""
        from course_utils.screening import auc

        trainer, clock = self.trained(data.train, "whole", self.seed)
        logits = self.logits(trainer, data.valid.images)
        self.store(
            **describe(self.net, self.recipe, self.seed, trainer, clock),
            source=data.source,
            dropped=data.dropped,
            auc=auc(logits, data.valid.labels),
            valid={"names": data.valid.names, "labels": data.valid.labels.tolist(), "logits": logits},
            **self.full_size(trainer, data.train),
        )
        print(f"{self.path.name}: AUC {auc(logits, data.valid.labels):.4f} on {data.valid.size} photographs")

    def full_size(self, trainer: Any, train: Any) -> dict[str, Any]:
        """The logits of photographs that lie in full size beside the data, and of their reduced copies in it."""
        import numpy as np

        from course_utils.datasets.fundus_pictures import squash

        paths = sorted((settings.data_dir() / "palm" / "fullres_sample").glob("*.jpg"))
        places = [train.names.index(path.stem) for path in paths if path.stem in train.names]
        if not places:
            return {}
        squashed = np.stack([squash(path) for path in paths if path.stem in train.names])
        reduced = train.images[places]
        difference = np.abs(squashed.astype(float) - reduced).mean(axis=(1, 2, 3))
        return {
            "full_size": {
                "names": [train.names[place] for place in places],
                "logits": self.logits(trainer, squashed),
                "reduced_logits": self.logits(trainer, reduced),
                "pixel_difference": difference.round(3).tolist(),
            }
        }

    def held_out(self, train: Any, count: int = 5) -> dict[str, Any]:
        """Each photograph's logit by the net that was trained without its fold, in the order of the folds."""
        from course_utils.screening import auc, log_loss

        found: dict[str, list[Any]] = {"names": [], "labels": [], "kinds": [], "fold": [], "logits": []}
        spent = 0.0
        for number, (rest, held) in enumerate(train.folds(count, seed=0)):
            trainer, clock = self.trained(rest, f"fold{number}", 100 * (self.seed + 1) + number)
            spent += sum(clock.of_all_processes())
            logits = self.logits(trainer, held.images)
            print(f"fold {number}: AUC {auc(logits, held.labels):.4f} on {held.size} photographs", flush=True)
            of_fold = held.names, held.labels.tolist(), held.kinds, [number] * held.size, logits
            for column, values in zip(found.values(), of_fold, strict=True):
                column.extend(values)
        logits, labels = found["logits"], found["labels"]
        print(f"all: AUC {auc(logits, labels):.4f}, log loss {log_loss(logits, labels):.4f}, {spent:.0f} s")
        return {"count": count, "processor_seconds": round(spent, 1), **found}

    def logits(self, trainer: Any, images: Any) -> list[float]:
        """One a photograph, to five digits, since those of a net that does not learn differ in the last ones only."""
        return [float(f"{logit:.5g}") for logit in trainer.predict(images, flip=self.recipe["flip"])[:, 0]]

    def store(self, **fields: Any) -> None:
        """Add fields to the result and write it, one field a line."""
        self.result |= fields
        lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in self.result.items()]
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def trainer_for(name: str, recipe: dict[str, Any], train: Any, seed: int, folder: Path, clock: ProcessorClock) -> Any:
    """A Trainer of the recipe. train: the FundusSplit that it will train on."""
    import paddle

    from course_utils import augment, datasets, recipes
    from course_utils.training import Trainer

    paddle.seed(seed)
    net = builders()[name]()
    changes = []
    if "warp" in recipe:
        changes = [augment.warp(**recipe["warp"]), augment.jitter(**recipe["jitter"])]
        colours = datasets.channel_statistics(train.images)
    else:
        colours = ((0.5,) * 3,) * 2
    steps = recipes.steps_in(recipe["epochs"], train.size, recipe["batch_size"])
    return Trainer(
        net,
        optimizer_for(recipe, net, steps),
        loss=recipes.binary_cross_entropy(recipe.get("smoothing", 0.0)),
        batch_size=recipe["batch_size"],
        prepare=augment.standardize(*colours),
        augment=augment.in_turn(*changes),
        amp=recipe["amp"],
        seed=seed,
        folder=folder,
        callbacks=[lambda trainer, history: clock.close_epoch(len(history.rows))],
        report=lambda row: print(f"{datetime.datetime.now():%H:%M:%S}  {folder.name}  {row}", flush=True),
    )


def optimizer_for(recipe: dict[str, Any], net: Any, steps: int) -> Any:
    """Ours with a schedule and decay of the weights alone, or the course's with neither."""
    import paddle

    from course_utils import recipes

    if recipe["optimizer"] == "nesterov":
        schedule = recipes.one_cycle(recipe["lr"], steps, recipe["rise"])
        return recipes.nesterov(net, schedule, recipe["weight_decay"])
    decay = recipe["weight_decay"] or None
    if recipe["optimizer"] == "adam":
        return paddle.optimizer.Adam(recipe["lr"], parameters=net.parameters(), weight_decay=decay)
    return paddle.optimizer.Momentum(recipe["lr"], 0.9, parameters=net.parameters(), weight_decay=decay)


def builders() -> dict[str, Callable[[], Any]]:
    """How each net is made; each has one logit."""
    from course_utils import models

    return {
        "small": models.fundus_net,
        "lenet": models.ScreeningLeNet,
        "lenet_relu": lambda: models.ScreeningLeNet("relu"),
        "lenet_norm": lambda: models.ScreeningLeNet(batch_norm=True),
        "lenet_relu_norm": lambda: models.ScreeningLeNet("relu", batch_norm=True),
        "alexnet": models.screening_alexnet,
        "googlenet": lambda: models.googlenet(1, stem_stride=1, dropout=0.0),
        "resnet18": lambda: models.resnet18(num_classes=1),
        "resnet50": lambda: models.resnet50(num_classes=1),
        "vgg16": lambda: models.vgg16(1),
    }


if __name__ == "__main__":
    main()
