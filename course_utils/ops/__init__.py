"""From-scratch operators, each small enough to read in one go and equal to Paddle's (tests hold that)."""

from course_utils.ops import activations, losses
from course_utils.ops.activation_table import ACTIVATIONS, activation_table, paddle_call, paddle_value_and_slope
from course_utils.ops.clipping import clip_by_global_norm, clip_by_norm
from course_utils.ops.convolution import (
    LADDER,
    conv2d_einsum,
    conv2d_four_loops,
    conv2d_im2col,
    conv2d_native,
    conv2d_shift_and_add,
    conv2d_two_loops,
    conv2d_unfold,
)
from course_utils.ops.dropout import dropout, dropout_mask
from course_utils.ops.normalization import (
    batch_norm,
    batch_norm_gradient,
    fold_batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
)
from course_utils.ops.pooling import avg_pool2d, max_pool2d
from course_utils.ops.recurrent import (
    bptt,
    gru_cell,
    lstm_cell,
    lstm_gates,
    recurrent_parameters,
    simple_cell,
    unroll,
)

__all__ = [
    "ACTIVATIONS",
    "LADDER",
    "activation_table",
    "activations",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_gradient",
    "bptt",
    "clip_by_global_norm",
    "clip_by_norm",
    "conv2d_einsum",
    "conv2d_four_loops",
    "conv2d_im2col",
    "conv2d_native",
    "conv2d_shift_and_add",
    "conv2d_two_loops",
    "conv2d_unfold",
    "dropout",
    "dropout_mask",
    "fold_batch_norm",
    "group_norm",
    "gru_cell",
    "instance_norm",
    "layer_norm",
    "losses",
    "lstm_cell",
    "lstm_gates",
    "max_pool2d",
    "paddle_call",
    "paddle_value_and_slope",
    "recurrent_parameters",
    "simple_cell",
    "unroll",
]
