"""Local response normalization (局部响应归一化): each value divided by what its neighbours among the maps say.

Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
"""

from __future__ import annotations

from typing import Any

import paddle.nn.functional as F

__all__ = ["local_response_norm"]


def local_response_norm(x: Any, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> Any:
    """y = x / (k + alpha sum x_j^2)^beta, the sum over the `size` maps around each map; x and y [N, C, H, W].

    The window is size // 2 maps to both sides, fewer at the ends. Paddle's F.local_response_norm takes the mean in
    place of the sum, whatever its documentation says: give it size * alpha for the same result.
    Raises ValueError for a size that is not odd and positive, or an x of other than four axes.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size {size} has no middle: use an odd number of maps of at least 1")
    if x.ndim != 4:
        raise ValueError(f"x has the shape {list(x.shape)}: use [N, C, H, W]")
    channels, reach = x.shape[1], size // 2
    squares = F.pad(x * x, [0, 0, reach, reach, 0, 0, 0, 0])  # zeros beyond the first and the last map
    total = sum(squares[:, j : j + channels] for j in range(size))  # [N, C, H, W]
    return x / (k + alpha * total) ** beta
