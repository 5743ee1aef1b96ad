"""Chapter 11's memory task at more lags and rates, a run at a time; what is there already is not run again.

    OMP_NUM_THREADS=1 python benchmarks/memory_task.py [--lags 10 30 100 200] [--runs 1]

Each arm's learning rate is chosen for each lag by seeds 0 and 1; seeds 2 to 11 then run at that rate, and they alone
count. Each run is added to benchmarks/results/memory_task.json, which the chapter reads. --runs: at most so many now.
Seconds are of the processor, as the machine may have been busy. About 2 s a run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import paddle

from course_utils import memory_task, settings

RATES = (0.001, 0.003, 0.01)
CHOOSING, COUNTING = range(2), range(2, 12)
RESULTS = Path(__file__).parent / "results" / "memory_task.json"
TESTED = 500


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--lags", type=int, nargs="+", default=[10, 30, 100, 200])
    options.add_argument("--runs", type=int, default=10_000)
    asked = options.parse_args()
    settings.setup("memory_task")
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"choosing": [], "counting": []}
    left = asked.runs
    for lag in asked.lags:
        plan = [(arm, lag, rate, seed) for seed in CHOOSING for arm in memory_task.ARMS for rate in RATES]
        left = run_missing(stored, "choosing", plan, left)
        chosen = memory_task.best_rates(stored["choosing"])
        plan = [(arm, lag, chosen.get((arm, lag)), seed) for seed in COUNTING for arm in memory_task.ARMS]
        left = run_missing(stored, "counting", plan, left)


def run_missing(stored: dict[str, Any], part: str, plan: list[Any], left: int) -> int:
    """Run what of the plan is not stored yet, at most `left` runs; returns how many may still follow."""
    done = {(run["arm"], run["lag"], run["rate"], run["seed"]) for run in stored[part]}
    missing = [each for each in plan if each not in done][:left]
    for arm, lag, rate, seed in missing:
        began = time.process_time()
        correct, losses = memory_task.learn(arm, lag, seed, rate, tested=TESTED)
        seconds = time.process_time() - began
        run = {"arm": arm, "lag": lag, "rate": rate, "seed": seed, "correct": correct, "total": TESTED}
        run |= {"steps": len(losses), "last_loss": round(losses[-1], 4), "processor_seconds": round(seconds, 1)}
        run |= {"date": datetime.date.today().isoformat(), "device": paddle.get_device(), "paddle": paddle.__version__}
        run |= {"machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"}
        stored[part].append(run)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
        print(f"{part}: {arm}, lag {lag}, rate {rate}, seed {seed}: {correct} of {TESTED}", flush=True)
    return left - len(missing)


if __name__ == "__main__":
    main()
