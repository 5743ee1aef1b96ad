"""What grading a class costs: honest copies of a homework, whose own code takes next to nothing, by `course grade`.

    OMP_NUM_THREADS=1 python benchmarks/homework_grading.py hw1 100

Prints seconds of the clock and of the processor for each submission with two jobs, and the grader's largest memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools import homework

GRADE = """
from course_utils.cli import main
try:
    main()
finally:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main(name: str, copies: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        source = next(each for each in homework.homework_names() if each.startswith(name))
        cells = [{"cell_type": "code", "source": cell} for cell in homework.reference(homework.ROOT, source)]
        for number in range(copies):
            (folder / "in" / f"student{number:03}.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
        command = [sys.executable, "-c", GRADE, "grade", name, str(folder / "in"), "--out", str(folder / "out")]
        began, before, load = time.perf_counter(), _processor(), os.getloadavg()[0]
        run = subprocess.run([*command, "--jobs", "2", "--seed", "1"], capture_output=True, text=True, check=True)
        seconds, processor = time.perf_counter() - began, _processor() - before
        right = sum(row["points"] == row["maximum"] for row in _outcomes(folder / "out"))
    print(f"{name}: {copies} submissions, {right} questions passed, load {load:.1f} before")
    print(f"{seconds:.0f} s in all, {seconds / copies:.2f} s a submission; of the processor {processor / copies:.2f} s")
    print(f"largest memory of the grader: {int(run.stdout.split()[-2]) // 1024} MB")


def _processor() -> float:
    """Seconds that all ended children and theirs have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _outcomes(out: Path) -> list[dict[str, float]]:
    report = json.loads((out / "report.json").read_text("utf-8"))
    return [outcome for row in report["rows"] for outcome in row["outcomes"]]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
