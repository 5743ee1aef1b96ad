"""Paddle's convolution on CPU at oneDNN's speed: the library lies in Paddle's own wheel, and nothing is compiled."""

from course_utils.onednn.convolution import conv2d
from course_utils.onednn.library import Availability, availability, has_bfloat16
from course_utils.onednn.switch import fast_convolutions

__all__ = ["Availability", "availability", "conv2d", "fast_convolutions", "has_bfloat16"]
