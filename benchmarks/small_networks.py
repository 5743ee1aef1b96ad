"""Chapter 07's small nets on one budget, a run at a time; what is there already is not run again.

    OMP_NUM_THREADS=1 python benchmarks/small_networks.py [--seeds 3]

The first 5,000 training pictures of CIFAR-10, four epochs. First a sweep: each net at peak rates a factor of three
apart, until the best of them has a worse one on either side; two epochs, one seed that is not compared, scored on 2,000
other training pictures. Then each net at its best rate, scored once on the 10,000 test pictures; the slowest without a
sweep and with one seed. Each run is added to benchmarks/results/small_networks.json, which the chapter reads. About 25
minutes of one processor.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from course_utils import comparisons, datasets, models, settings, summary
from course_utils.errors import CourseError

IMAGES, VALIDATION = 5_000, 2_000
EPOCHS, SWEEP_EPOCHS = 4, 2
SLOWEST = "NASNet-A"
RATES, START = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), 0.03
RESULTS = Path(__file__).parent / "results" / "small_networks.json"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    asked = options.parse_args()
    settings.setup("small_networks")
    data = datasets.cifar10()
    if not data.real:
        sys.exit("this benchmark needs the real CIFAR-10: course data get cifar10, or COURSE_DATA_DIR=FOLDER")
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"runs": []}
    best: dict[str, float] = {}
    for seed in range(asked.seeds):
        for name in sorted(models.small_nets(), key=lambda name: name == SLOWEST):
            if seed == 0 or name != SLOWEST:
                if name not in best:
                    best[name] = START if name == SLOWEST else best_rate(stored, data.train, name)
                run_once(stored, data.train, data.test, name, best[name], seed, EPOCHS)


def best_rate(stored: dict[str, Any], train: datasets.Split, name: str) -> float:
    """The rate that got most of the held-out pictures right: up or down from START while that helps."""
    held_out = datasets.Split(*(part[IMAGES : IMAGES + VALIDATION] for part in train))

    def right(place: int) -> int:
        swept = run_once(stored, train, held_out, name, RATES[place], comparisons.SWEEP_SEED, SWEEP_EPOCHS)
        return int(swept["correct"])

    best = RATES.index(START)
    step = 1 if right(best + 1) > right(best) else -1
    while right(best + step) > right(best):
        best += step
    return RATES[best]


def run_once(
    stored: dict[str, Any],
    train: datasets.Split,
    scored_on: datasets.Split,
    name: str,
    lr: float,
    seed: int,
    epochs: int,
) -> dict[str, Any]:
    """The stored run of these arguments; where there is none, it is made and stored."""
    what = {"net": name, "lr": lr, "seed": seed, "images": IMAGES, "epochs": epochs, "total": scored_on.size}
    for run in stored["runs"]:
        if what.items() <= run.items():
            return run
    few = train.take(IMAGES)
    trainer = comparisons.small_trainer(name, lr, few, epochs, seed)
    counted = summary.summarize(trainer.net, [1, 3, 32, 32])
    began = time.process_time()
    try:
        losses = [round(loss, 5) for loss in trainer.fit(few, epochs=epochs).column("loss")]
        right = trainer.predict(scored_on.images).argmax(axis=1) == scored_on.labels
    except CourseError:  # the loss is not finite: a rate that is too large
        losses, right = [], np.zeros(scored_on.size, dtype=bool)
    run = {
        **what,
        "parameters": counted.trainable,
        "macs": counted.macs,
        "losses": losses,
        "processor_seconds": round(time.process_time() - began, 1),
        "correct": int(right.sum()),
        "right": np.packbits(right).tobytes().hex(),  # image by image, so that runs can be compared in pairs
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": paddle.get_device(),
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "paddle": paddle.__version__,
    }
    stored["runs"].append(run)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(f"{name}, rate {lr}, seed {seed}: {100 * right.mean():.2f} % of {scored_on.size:,} pictures", flush=True)
    return run


if __name__ == "__main__":
    main()
