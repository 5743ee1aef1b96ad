"""Errors whose message is the whole answer: one sentence that says what is wrong and what to do."""

from __future__ import annotations

__all__ = ["CourseError"]


class CourseError(ValueError):
    """Something outside the code is not as it must be: a file, a setting, the network, a checkpoint.

    The command line prints the sentence and stops; Jupyter shows the sentence without a stack trace.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a stack trace."""
        return [f"{type(self).__name__}: {self}"]
