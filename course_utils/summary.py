"""What a network consists of: shapes, trainable parameters, running statistics and multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import paddle
from paddle import nn

__all__ = ["LayerRow", "Summary", "blueprint", "summarize"]

COLUMNS = ("layer", "type", "output shape", "parameters", "statistics", "MACs")


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer.

    trainable: parameters that gradients reach, 0 where an earlier row has counted them. statistics: running mean
    and variance. frozen: parameters with stop_gradient. macs: None where no rule is known.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    trainable: int
    statistics: int
    frozen: int
    macs: int | None


@dataclass(frozen=True, repr=False)
class Summary:
    """The table of `summarize`; print it, or let Jupyter show it."""

    input_shape: tuple[int, ...]
    rows: tuple[LayerRow, ...]

    @property
    def trainable(self) -> int:
        return sum(row.trainable for row in self.rows)

    @property
    def statistics(self) -> int:
        return sum(row.statistics for row in self.rows)

    @property
    def frozen(self) -> int:
        return sum(row.frozen for row in self.rows)

    @property
    def macs(self) -> int:
        """Of all layers that have a rule; `uncounted` names the others."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def uncounted(self) -> tuple[str, ...]:
        return tuple(row.name for row in self.rows if row.macs is None)

    def cells(self) -> list[list[str]]:
        """The table as text, the total last."""
        lines = [
            [
                row.name,
                row.kind,
                str(list(row.output_shape)),
                f"{row.trainable:,}",
                f"{row.statistics:,}",
                "?" if row.macs is None else f"{row.macs:,}",
            ]
            for row in self.rows
        ]
        total = ["total", "", "", f"{self.trainable:,}", f"{self.statistics:,}", f"{self.macs:,}"]
        return [*lines, total]

    def notes(self) -> list[str]:
        """What the table alone would hide."""
        notes = [f"{self.frozen:,} frozen parameters are not among the trainable ones"] if self.frozen else []
        if self.uncounted:
            notes.append(f"MACs not counted, no rule: {', '.join(self.uncounted)}")
        return notes

    def __str__(self) -> str:
        table = [list(COLUMNS), *self.cells()]
        widths = [max(len(line[i]) for line in table) for i in range(len(COLUMNS))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in table
        ]
        return "\n".join([*(line.rstrip() for line in lines), *self.notes()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

        head, body = line(COLUMNS, "th"), "".join(line(cells, "td") for cells in self.cells())
        notes = "".join(f"<p>{note}</p>" for note in self.notes())
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x: auto">{table}{notes}</div>'


def summarize(net: nn.Layer, input_shape: Sequence[int]) -> Summary:
    """Run `net` once on zeros of `input_shape` (batch first, float32) and count.

    A multiply-accumulate (MAC) is one multiplication with its addition; convolutions and fully connected layers
    have them, the batch included; biases, normalization, activations and pooling count 0. A layer called twice
    has two rows: its work twice, its parameters once. A layer of your own counts with a method
    `macs(input_shape, output_shape) -> int`. What `forward` does by functions alone has no layer and no row.
    (paddle.summary counts running statistics as parameters, and paddle.flops counts biases and BatchNorm.)
    Raises ValueError where the net does not accept that shape.
    """
    rows: list[LayerRow] = []
    seen: set[int] = set()

    def record(name: str) -> Callable[[nn.Layer, Any, Any], None]:
        def hook(layer: nn.Layer, inputs: Any, output: Any) -> None:
            own = [p for p in _own_parameters(layer) if id(p) not in seen]
            seen.update(map(id, own))
            rows.append(_row(name, layer, _shape(inputs), _shape(output), own))

        return hook

    named = [(name or type(net).__name__, layer) for name, layer in net.named_sublayers(include_self=True)]
    handles = [
        layer.register_forward_post_hook(record(name))
        for name, layer in named
        if not list(layer.children()) or _own_parameters(layer)
    ]
    try:
        with _eval_mode(net), paddle.no_grad():
            net(paddle.zeros(list(input_shape), "float32"))
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(
            f"{type(net).__name__} does not accept an input of shape {list(input_shape)}: {reason}"
        ) from None
    finally:
        for handle in handles:
            handle.remove()
    return Summary(tuple(input_shape), tuple(rows))


def blueprint(make_net: Callable[[], nn.Layer], input_shape: Sequence[int]) -> Summary:
    """As `summarize`, of the net that make_net() returns, but nothing is allocated and nothing computed.

    The net is built into static programs of its own, where Paddle follows shapes only: VGG-16 would take 550 MB.
    Raises ValueError as `summarize` does.
    """
    dynamic = paddle.in_dynamic_mode()
    programs = paddle.static.program_guard(paddle.static.Program(), paddle.static.Program())
    paddle.enable_static()
    try:
        with paddle.utils.unique_name.guard(), programs:
            return summarize(make_net(), input_shape)
    finally:
        if dynamic:
            paddle.disable_static()


def _row(name: str, layer: nn.Layer, x: tuple[int, ...], y: tuple[int, ...], own: list[Any]) -> LayerRow:
    statistics = [p for p in own if any(p is value for value in _statistics(layer))]
    frozen = [p for p in own if p.stop_gradient and not any(p is value for value in statistics)]
    return LayerRow(
        name=name,
        kind=type(layer).__name__,
        output_shape=y,
        trainable=sum(prod(p.shape) for p in own if not p.stop_gradient),
        statistics=sum(prod(p.shape) for p in statistics),
        frozen=sum(prod(p.shape) for p in frozen),
        macs=_macs(layer, x, y),
    )


def _macs(layer: nn.Layer, x: tuple[int, ...], y: tuple[int, ...]) -> int | None:
    if hasattr(layer, "macs"):
        return layer.macs(x, y)
    kind = type(layer).__name__
    if kind in ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"):
        return prod(x) * prod(layer.weight.shape[1:])  # each input value meets every tap of each output channel
    if kind in ("Conv1D", "Conv2D", "Conv3D"):
        return prod(y) * prod(layer.weight.shape[1:])
    if isinstance(layer, nn.Linear):
        return prod(y) * layer.weight.shape[0]
    return None if any(p.ndim > 1 for p in _own_parameters(layer)) else 0


def _own_parameters(layer: nn.Layer) -> list[Any]:
    """Of this layer alone, without its children's."""
    return layer.parameters(include_sublayers=False)


def _statistics(layer: nn.Layer) -> list[Any]:
    """Running mean and variance, which Paddle keeps among the parameters."""
    return [value for name in ("_mean", "_variance") if (value := getattr(layer, name, None)) is not None]


def _shape(value: Any) -> tuple[int, ...]:
    """Of a tensor, or of the first tensor in a tuple."""
    while isinstance(value, tuple | list):
        value = value[0]
    return tuple(value.shape)


@contextmanager
def _eval_mode(net: nn.Layer) -> Iterator[None]:
    """Counting must not move running statistics; each layer gets its own mode back."""
    modes = [(layer, layer.training) for layer in net.sublayers(include_self=True)]
    net.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training
