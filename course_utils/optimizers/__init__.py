"""Ten optimizers by hand, equal to Paddle's (tests hold that), one interface: `w, state = rule(w, g, state, lr)`.

    w, state = start, None
    for step in range(100):
        w, state = adam(w, gradient(w), state, lr=0.01)

Each rule returns new weights and its new state, and changes neither w nor g. All of them act on each weight alone, so w
has any shape. `descend` is this loop with a schedule and weight decay.
"""

from course_utils.optimizers.descent import RULES, descend, steps_until
from course_utils.optimizers.landscapes import Landscape, ravine, saddle
from course_utils.optimizers.moments import adam, adamax, adamw, nadam
from course_utils.optimizers.scaled import adadelta, adagrad, rmsprop
from course_utils.optimizers.velocity import momentum, nesterov, sgd

__all__ = [
    "RULES",
    "Landscape",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "descend",
    "momentum",
    "nadam",
    "nesterov",
    "ravine",
    "rmsprop",
    "saddle",
    "sgd",
    "steps_until",
]
