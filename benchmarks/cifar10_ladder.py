"""Chapter 09's ladder on all of CIFAR-10, a run at a time; what is there already is not run again.

    OMP_NUM_THREADS=1 python benchmarks/cifar10_ladder.py [--epochs 10] [--seeds 1] [--runs 1]

50,000 to train, scored once after the last epoch on the 10,000 test images: nothing is chosen by them, the rungs were
set before. Each run is added to benchmarks/results/cifar10_ladder.json, which the chapter reads. --runs: at most so
many runs now. Seconds are of the processor, as the machine may have been busy. About 4 minutes a run.
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

import numpy as np
import paddle

from course_utils import datasets, ladder, settings

ASIDE = "all but crop + flip"  # the top of the ladder without that rung: does its worth depend on where it stands?
RESULTS = Path(__file__).parent / "results" / "cifar10_ladder.json"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--runs", type=int, default=1_000)
    asked = options.parse_args()
    settings.setup("cifar10_ladder")
    data = datasets.cifar10()
    if not data.real:
        sys.exit("this benchmark needs the real CIFAR-10: course data get cifar10, or COURSE_DATA_DIR=FOLDER")
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"runs": []}
    done = {(run["rung"], run["seed"], run["epochs"]) for run in stored["runs"]}
    trained = [rung for rung in ladder.RUNGS if rung != "test-time flip"] + [ASIDE]  # the flip is no training
    left = [(rung, seed) for seed in range(asked.seeds) for rung in trained if (rung, seed, asked.epochs) not in done]
    for rung, seed in left[: asked.runs]:
        stored["runs"] += train_on(rung, seed, asked.epochs, data)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")


def train_on(rung: str, seed: int, epochs: int, data: datasets.Dataset) -> list[dict[str, object]]:
    """Train on one rung and score it; the last one is scored once more with mirror images."""
    settings_here = ladder.settings_on("label smoothing" if rung == ASIDE else rung)
    if rung == ASIDE:
        del settings_here["crop_and_flip"]
    trainer = ladder.on_rung(data.train, epochs, seed, **settings_here)
    began = time.process_time()
    history = trainer.fit(data.train, epochs=epochs)
    seconds = time.process_time() - began
    rows = []
    for name, flip in ((rung, False), ("test-time flip", True)) if rung == "label smoothing" else ((rung, False),):
        right = trainer.predict(data.test.images, flip=flip).argmax(axis=1) == data.test.labels
        rows.append(
            {
                "rung": name,
                "seed": seed,
                "epochs": epochs,
                "images": data.train.size,
                "losses": [round(loss, 5) for loss in history.column("loss")],
                "processor_seconds": round(seconds, 1),
                "correct": int(right.sum()),
                "total": data.test.size,
                "right": np.packbits(right).tobytes().hex(),  # image by image, so that runs can be compared in pairs
                "date": datetime.date.today().isoformat(),
                "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
                "device": paddle.get_device(),
                "threads": int(os.environ["OMP_NUM_THREADS"]),
                "paddle": paddle.__version__,
            }
        )
        print(f"{name}, seed {seed}: {100 * right.mean():.2f} %, {seconds:.0f} s of the processor", flush=True)
    return rows


if __name__ == "__main__":
    main()
