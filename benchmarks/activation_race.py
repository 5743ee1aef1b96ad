"""Chapter 07's race of ReLU, tanh and sigmoid to 25 % training error, a run at a time; what is there is not run again.

    OMP_NUM_THREADS=1 python benchmarks/activation_race.py [--seeds 5] [--many]

The first 5,000 training pictures of CIFAR-10. First a sweep of learning rates, one seed that does not race, at most
30 epochs a run; then every activation races at the rate that reached the goal in the fewest steps, or where none did,
at that with the lowest error at the end; at most 60 epochs. --many: ReLU and tanh race on 20,000 pictures too, three
seeds, same rates. Each run is added to benchmarks/results/activation_race.json, which the chapter reads. About 10
minutes of one processor, and 4 for --many.
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

from course_utils import comparisons, datasets, settings

RATES = {
    "ReLU": (0.001, 0.003, 0.01, 0.03, 0.1),
    "tanh": (0.001, 0.003, 0.01, 0.03, 0.1),
    "sigmoid": (0.01, 0.03, 0.1, 0.3),
}
GOAL, SWEEP_EPOCHS, RACE_EPOCHS = 0.25, 30, 60
FEW, MANY, MANY_SEEDS = 5_000, 20_000, 3
RESULTS = Path(__file__).parent / "results" / "activation_race.json"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--many", action="store_true", help="then ReLU and tanh on 20,000 pictures")
    asked = options.parse_args()
    settings.setup("activation_race")
    data = datasets.cifar10()
    if not data.real:
        sys.exit("this benchmark needs the real CIFAR-10: course data get cifar10, or COURSE_DATA_DIR=FOLDER")
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"goal": GOAL, "runs": []}
    best_rates = {}
    for activation, rates in RATES.items():
        swept = [run_once(stored, data, activation, rate, comparisons.SWEEP_SEED, FEW, SWEEP_EPOCHS) for rate in rates]
        best = min(swept, key=lambda run: (steps(run), run["errors"][-1]))["lr"]
        for seed in range(asked.seeds):
            run_once(stored, data, activation, best, seed, FEW, RACE_EPOCHS)
        best_rates[activation] = best
    for activation in ("ReLU", "tanh"):
        for seed in range(MANY_SEEDS if asked.many else 0):
            run_once(stored, data, activation, best_rates[activation], seed, MANY, RACE_EPOCHS)


def steps(run: dict[str, Any]) -> float:
    return comparisons.steps_to(GOAL, run["errors"], run["images"])


def run_once(
    stored: dict[str, Any], data: datasets.Dataset, activation: str, lr: float, seed: int, images: int, epochs: int
) -> dict[str, Any]:
    """The stored run of these arguments; where there is none, it is made and stored."""
    what = {"activation": activation, "lr": lr, "seed": seed, "images": images}
    for run in stored["runs"]:
        if what.items() <= run.items() and (run["errors"][-1] <= GOAL or run["at_most_epochs"] >= epochs):
            return run
    began = time.process_time()
    errors = comparisons.race(activation, lr, data.train.take(images), seed, goal=GOAL, epochs=epochs)
    run = {
        **what,
        "at_most_epochs": epochs,
        "errors": [round(error, 5) if np.isfinite(error) else 1.0 for error in errors],  # 1: the loss was not finite
        "processor_seconds": round(time.process_time() - began, 1),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": paddle.get_device(),
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "paddle": paddle.__version__,
    }
    stored["runs"].append(run)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(f"{activation}, rate {lr}, seed {seed}, {images:,} images: {steps(run):.0f} steps to the goal", flush=True)
    return run


if __name__ == "__main__":
    main()
