"""What a screening study reports of a test that says how ill somebody seems: see the modules' first lines."""

from course_utils.screening.calibration import (
    Calibration,
    calibration_curve,
    calibration_error,
    fit_temperature,
    log_loss,
)
from course_utils.screening.comparison import AucDifference, Disagreement, delong, mcnemar
from course_utils.screening.roc import auc, auc_interval, roc_band, roc_points
from course_utils.screening.thresholds import OperatingPoint, operating_point, predictive_values, threshold_at

__all__ = [
    "AucDifference",
    "Calibration",
    "Disagreement",
    "OperatingPoint",
    "auc",
    "auc_interval",
    "calibration_curve",
    "calibration_error",
    "delong",
    "fit_temperature",
    "log_loss",
    "mcnemar",
    "operating_point",
    "predictive_values",
    "roc_band",
    "roc_points",
    "threshold_at",
]
