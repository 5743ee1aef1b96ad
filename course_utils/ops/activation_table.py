"""The activations as a table: formulas as texts, and what Paddle calls each today, looked up and compared by value.

In the formulas, [x > 0] is 1 where it holds and 0 elsewhere, f is the value, σ the sigmoid, s = log(1 + exp(x)) the
softplus, Φ and φ the standard normal distribution and its density.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import CourseError
from course_utils.ops import activations

__all__ = ["ACTIVATIONS", "Activation", "ActivationTable", "activation_table", "paddle_call", "paddle_value_and_slope"]

COLUMNS = ("name", "f", "f′", "in Paddle today")
# On narrow screens a row becomes a block, as four columns would leave a few letters each.
STYLE = (
    ".activations{border-collapse:collapse}.activations th,.activations td{text-align:left!important;"
    "white-space:normal!important;overflow-wrap:anywhere;padding:.3em .7em}"
    ".activations td:first-child{font-weight:bold;white-space:nowrap!important}"
    "@media(max-width:640px){.activations thead{display:none}.activations,.activations tbody,.activations tr,"
    ".activations td{display:block;padding:.1em .3em}.activations tr{padding:.4em 0;border-top:1px solid #999}"
    '.activations td:nth-child(2)::before{content:"f = "}.activations td:nth-child(3)::before{content:"f′ = "}}'
)


@dataclass(frozen=True)
class Activation:
    """One activation: its name in the notes (the field's where noted is False) and its formulas.

    arguments: what Paddle's function takes. replacement: the expression to try where Paddle has no such function.
    kinks: where the slope jumps. constants: parameters that Paddle rounds to float32 for every dtype, so we do as well.
    """

    name: str
    formula: str
    slope: str
    arguments: str = "x"
    replacement: str = ""
    kinks: tuple[float, ...] = ()
    constants: tuple[float, ...] = ()
    noted: bool = True

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Value and derivative by hand, from `activations`."""
        return getattr(activations, self.name)(x, *(float(np.float32(c)) for c in self.constants))


ACTIVATIONS = (
    Activation("sigmoid", "1 / (1 + exp(−x))", "f · (1 − f)"),
    Activation("tanh", "tanh(x)", "1 − f²"),
    Activation(
        "stanh",
        "1.7159 · tanh(0.67 · x)",
        "1.7159 · 0.67 · (1 − tanh(0.67 · x)²)",
        constants=(0.67, 1.7159),
    ),
    Activation("softsign", "x / (1 + |x|)", "1 / (1 + |x|)²"),
    Activation(
        "hard_sigmoid",
        "min(max(0, x / 6 + 0.5), 1)",
        "[−3 < x] · [x < 3] / 6",
        arguments="x, slope=1 / 6",
        constants=(1 / 6, 0.5),
        kinks=(-3, 3),
    ),
    Activation("brelu", "min(max(0, x), 4)", "[0 < x] · [x < 4]", replacement="F.hardtanh(x, 0, 4)", kinks=(0, 4)),
    Activation("relu6", "min(max(0, x), 6)", "[0 < x] · [x < 6]", kinks=(0, 6)),
    Activation("thresholded_relu", "x · [x > 1]", "[x > 1]", kinks=(1,)),
    Activation("relu", "max(0, x)", "[x > 0]", kinks=(0,)),
    Activation("leaky_relu", "max(0, x) + 0.01 · min(0, x)", "[x > 0] + 0.01 · [x ≤ 0]", kinks=(0,)),
    Activation(
        "prelu",
        "max(0, x) + 0.25 · min(0, x)",
        "[x > 0] + 0.25 · [x ≤ 0]",
        arguments="x, paddle.full([1], 0.25, x.dtype)",
        kinks=(0,),
    ),
    Activation(
        "maxout",
        "max(x, −0.5 · x)",
        "[x > 0] − 0.5 · [x ≤ 0]",
        arguments="paddle.stack([x, -0.5 * x]).reshape([1, 2, 1, -1]), 2",
        kinks=(0,),
    ),
    Activation("softplus", "log(1 + exp(x))", "σ(x)"),
    Activation(
        "soft_relu",
        "log(1 + exp(min(max(−4, x), 4)))",
        "[−4 < x] · [x < 4] · σ(x)",
        replacement="F.softplus(x.clip(-4, 4))",
        kinks=(-4, 4),
    ),
    Activation("logsigmoid", "log(σ(x))", "1 − σ(x)"),
    Activation("exp", "exp(x)", "f"),
    Activation("elu", "max(0, x) + min(0, exp(x) − 1)", "[x > 0] + exp(x) · [x ≤ 0]"),
    Activation("swish", "x · σ(x)", "σ(x) + f · (1 − σ(x))"),
    Activation("silu", "x · σ(x)", "σ(x) + f · (1 − σ(x))", noted=False),
    Activation("gelu", "x · Φ(x)", "Φ(x) + x · φ(x)", noted=False),
    Activation("mish", "x · tanh(s)", "tanh(s) + x · (1 − tanh(s)²) · σ(x)", noted=False),
    Activation("hard_shrink", "x · [|x| > 0.5]", "[|x| > 0.5]", kinks=(-0.5, 0.5)),
    Activation("softshrink", "x − min(max(−0.5, x), 0.5)", "[|x| > 0.5]", kinks=(-0.5, 0.5)),
    Activation("tanh_shrink", "x − tanh(x)", "tanh(x)²"),
    Activation("pow", "x²", "2 · x", "x, 2"),
)


def paddle_value_and_slope(call: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What Paddle and its autograd make of a call such as "F.relu(x)", where F is paddle.nn.functional. x: [N]."""
    import paddle
    import paddle.nn.functional as F

    tensor = paddle.to_tensor(x, stop_gradient=False)
    y = eval(call, {"F": F, "paddle": paddle, "x": tensor})  # our own table's texts, so that what is shown is what ran
    (slope,) = paddle.grad(y.sum(), tensor)
    return y.numpy().reshape(x.shape), slope.numpy()


def paddle_call(activation: Activation) -> str:
    """The call that gives the same values in this Paddle, such as "F.hardsigmoid(x, slope=1 / 6)".

    Looked up: a function of the old name, as it is or without underscores, in paddle.nn.functional or paddle; then
    the replacement. Values must agree within 1e-9 on [−8, 8]. Raises CourseError where none does.
    """
    import paddle

    x = np.linspace(-8, 8, 101)
    names = dict.fromkeys((activation.name, activation.name.replace("_", "")))
    places = {"F": paddle.nn.functional, "paddle": paddle}
    calls = [
        f"{place}.{name}({activation.arguments})"
        for place, module in places.items()
        for name in names
        if hasattr(module, name)
    ]
    if not calls and activation.replacement:
        calls = [activation.replacement]
    for call in calls:
        if np.allclose(paddle_value_and_slope(call, x)[0], activation(x)[0], rtol=1e-9, atol=1e-9):
            return call
    tried = ", ".join(calls) or "no function of that name"
    raise CourseError(f"Paddle {paddle.__version__} does not compute {activation.name} by {tried}: use Paddle 3.3.x")


@dataclass(frozen=True, repr=False)
class ActivationTable:
    """Rows of (name, f, f′, today's call); print it, or let Jupyter show it."""

    rows: tuple[tuple[str, str, str, str], ...]

    def __str__(self) -> str:
        blank = " " * 18
        return "\n".join(f"{name:18}f = {f}\n{blank}f′ = {slope}\n{blank}{call}" for name, f, slope, call in self.rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "\n".join(line(row, "td") for row in self.rows)
        return (
            f'<style scoped>{STYLE}</style>\n<table class="activations"><thead>{line(COLUMNS, "th")}</thead>'
            f"<tbody>\n{body}\n</tbody></table>"
        )


def activation_table(chosen: Sequence[Activation] = ACTIVATIONS) -> ActivationTable:
    """Name, formulas and the call that `paddle_call` finds, for each; "gone" before one that only replaces it."""
    calls = [paddle_call(a) for a in chosen]
    today = [f"gone: {call}" if call == a.replacement else call for a, call in zip(chosen, calls, strict=True)]
    return ActivationTable(tuple((a.name, a.formula, a.slope, text) for a, text in zip(chosen, today, strict=True)))
