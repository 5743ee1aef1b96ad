"""Clipping by hand against Paddle's, each gradient by itself and all together."""

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn

from course_utils import ops


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4), st.integers(0, 99))
def test_clipping_equals_paddles(shapes, seed):
    rng = np.random.default_rng(seed)
    gradients, limit = [rng.normal(size=shape).astype("float32") for shape in shapes], rng.uniform(0.1, 5)
    alone = [ops.clip_by_norm(gradient, limit) for gradient in gradients]
    together = ops.clip_by_global_norm(gradients, limit)
    for clip, ours in ((nn.ClipGradByNorm, alone), (nn.ClipGradByGlobalNorm, together)):
        pairs = [(paddle.create_parameter(g.shape, "float32"), paddle.to_tensor(g)) for g in gradients]
        for (_, theirs), own in zip(clip(limit)(pairs), ours, strict=True):
            assert own.dtype == np.float32
            assert np.abs(own - theirs.numpy()).max() <= 1e-5 * max(1, limit)


def test_a_short_gradient_stays_and_a_long_one_keeps_its_direction():
    assert ops.clip_by_norm(np.array([0.3, 0.4]), 1).tolist() == [0.3, 0.4]
    assert np.allclose(ops.clip_by_norm(np.array([3.0, 4.0]), 1), [0.6, 0.8])
    assert np.allclose(ops.clip_by_global_norm([np.array([3.0]), np.array([4.0])], 1), [[0.6], [0.8]])
    assert ops.clip_by_norm(np.zeros(2), 1).tolist() == [0, 0]


def test_a_limit_of_zero_is_refused():
    with pytest.raises(ValueError, match="limit 0 leaves no gradient: use a number above 0"):
        ops.clip_by_norm(np.ones(2), 0)
