"""What update rules keep between steps, and what a learning rate may be."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Rate", "State"]

State: TypeAlias = tuple[Any, ...] | None  # None before the first step
Rate: TypeAlias = float | np.ndarray  # an array is a rate for each weight: it broadcasts against w
