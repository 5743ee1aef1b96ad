"""What a homework's answers are compared with, made by a process of its own, so that the grader holds no Paddle.

cases = expected_cases("hw2", seed)  # by question: a list of Prepared
"""

from __future__ import annotations

import os
import subprocess
import sys

from course_utils.errors import CourseError
from course_utils.homework import assignments, values
from course_utils.homework.questions import Prepared, prepare

__all__ = ["expected_cases"]


def expected_cases(name: str, seed: int) -> dict[str, list[Prepared]]:
    """The prepared cases of every question of a homework, by the question's name.

    The seed goes in by a pipe, not as an argument that a list of processes would show.
    Raises CourseError where the process fails, with the last line of what it said.
    """
    run = subprocess.run(
        [sys.executable, "-m", "course_utils.homework.expected", name],
        input=str(seed).encode(),
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    if run.returncode:
        last = (run.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"the answers of {name} could not be computed ({last}): run course doctor")
    found = values.decode(run.stdout)
    return {
        question: [Prepared(part, tuple(args), right, tuple(map(tuple, wrong))) for part, args, right, wrong in cases]
        for question, cases in found.items()
    }


def main(name: str, seed: int) -> None:
    """Write the cases to standard output as one frame."""
    found = {
        question.name: [[case.part, case.args, case.expected, case.wrong] for case in prepare(question, seed)]
        for question in assignments.assignment(name).questions
    }
    sys.stdout.buffer.write(values.encode(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.stdin.read()))
