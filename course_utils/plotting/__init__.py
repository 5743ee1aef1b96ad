"""Pure functions from arrays to a Figure: what a chapter shows, a widget moves and a test checks."""

from course_utils.plotting.activations import activation_panels
from course_utils.plotting.attribution import map_overlays
from course_utils.plotting.bars import interval_bars, ratio_bars
from course_utils.plotting.blocks import Block, block_diagrams
from course_utils.plotting.comparisons import goal_curves, measure_panels
from course_utils.plotting.edges import derivative_panels, direction_colours, gradient_panels, picture_rows
from course_utils.plotting.images import image_grid
from course_utils.plotting.kernels import animate, filmstrip, kernel_step, window_rows
from course_utils.plotting.losses import fitted_lines, value_and_slope
from course_utils.plotting.networks import confusion_grid, connection_table, field_maps
from course_utils.plotting.normalization import axes_of_norms, descent_contours, interval_curves, number_panels
from course_utils.plotting.optimizers import path_panels, race_filmstrip, race_step, rate_sweep, schedule_panels
from course_utils.plotting.pooling import pooling_panels
from course_utils.plotting.recurrent import gate_activity, gate_diagrams, lag_curves, unrolled_nets, wall_and_valley
from course_utils.plotting.residual import unit_diagrams
from course_utils.plotting.screening import people_chart, reliability_diagram, roc_figure, score_rows
from course_utils.plotting.training import LiveCurves, learning_curves

__all__ = [
    "Block",
    "LiveCurves",
    "activation_panels",
    "animate",
    "axes_of_norms",
    "block_diagrams",
    "confusion_grid",
    "connection_table",
    "derivative_panels",
    "descent_contours",
    "direction_colours",
    "field_maps",
    "filmstrip",
    "fitted_lines",
    "gate_activity",
    "gate_diagrams",
    "goal_curves",
    "gradient_panels",
    "image_grid",
    "interval_bars",
    "interval_curves",
    "kernel_step",
    "lag_curves",
    "learning_curves",
    "map_overlays",
    "measure_panels",
    "number_panels",
    "path_panels",
    "people_chart",
    "picture_rows",
    "pooling_panels",
    "race_filmstrip",
    "race_step",
    "rate_sweep",
    "ratio_bars",
    "reliability_diagram",
    "roc_figure",
    "schedule_panels",
    "score_rows",
    "unit_diagrams",
    "unrolled_nets",
    "value_and_slope",
    "wall_and_valley",
    "window_rows",
]
