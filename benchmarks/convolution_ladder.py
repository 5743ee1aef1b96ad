"""The convolution ladder as ratios to Paddle's own: python benchmarks/convolution_ladder.py (one thread, about 20 s).

Input [32, 16, 32, 32], 32 kernels of 3x3, padding 1, forward, float32; all rungs in turns, medians of the ratios.
"""

import numpy as np
import paddle

from course_utils import ops
from course_utils.timing import interleaved_ratios

rng = np.random.default_rng(0)
x, w = rng.standard_normal((32, 16, 32, 32), "float32"), rng.standard_normal((32, 16, 3, 3), "float32")
arguments = dict.fromkeys(ops.LADDER, (x, w))
arguments["paddle unfold"] = arguments["paddle native"] = (paddle.to_tensor(x), paddle.to_tensor(w))
calls = {name: lambda name=name: ops.LADDER[name](*arguments[name], padding=1) for name in ops.LADDER}

with paddle.no_grad():
    results = {name: np.asarray(call()) for name, call in calls.items()}
    ratios = interleaved_ratios(calls, reference="paddle native", repeats=40)
native = results["paddle native"]
print(f"{'rung':18} {'time / native':>13}  largest difference / largest value")
for name, ratio in ratios.items():
    print(f"{name:18} {ratio:13.3f}  {np.abs(results[name] - native).max() / np.abs(native).max():.1e}")
