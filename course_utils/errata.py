"""Where the notes differ: each slip with the right value, computed when it is asked for.

The items stand in errata.toml, one table each:

    chapter    the chapter that shows it, such as "01_convolution"
    status     "wrong", "loose" (true in one reading or one convention) or "right" (worth a check)
    source     which document, in words
    says       what it says, paraphrased
    right      what holds; in both, {name} or {name:.2f} stands for one of the values
    values     name = "Python expression", each may use those above it (optional)
    proof      an expression over the values that must be True
    reference  where spelling or history is at stake: who says so; an item has a proof, a reference or both
"""

from __future__ import annotations

import difflib
import html
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod, sqrt
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

from course_utils.arithmetic import conv2d_cost, conv_output_size, pad_amounts, receptive_field
from course_utils.errors import CourseError
from course_utils.ops import losses

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ErrataTable", "Item", "items", "read_item", "table"]

STATUSES = ("wrong", "loose", "right")
REQUIRED = ("chapter", "status", "source", "says", "right")
OPTIONAL = ("values", "proof", "reference")
NAMES = {
    "conv2d_cost": conv2d_cost,
    "conv_output_size": conv_output_size,
    "losses": losses,
    "pad_amounts": pad_amounts,
    "receptive_field": receptive_field,
    "np": np,
    "prod": prod,
    "sqrt": sqrt,
}
# Narrow screens: four columns would leave a few letters each, so a row becomes a block there.
STYLE = (
    ".errata{width:100%;table-layout:fixed;border-collapse:collapse}"
    ".errata th,.errata td{text-align:left!important;vertical-align:top!important;"
    "white-space:normal!important;overflow-wrap:anywhere;padding:.4em .6em}"
    ".errata small{opacity:.75}.errata code{white-space:nowrap}.errata pre{white-space:pre-wrap}"
    "@media(max-width:640px){.errata,.errata tbody,.errata tr,.errata td{display:block;width:auto}"
    ".errata thead,.errata colgroup{display:none}.errata td{padding:.15em .4em}"
    ".errata tr{padding:.5em 0;border-top:1px solid #999}"
    '.errata td:nth-child(2)::before{content:"notes: "}.errata td:nth-child(3)::before{content:"computed: "}'
    '.errata td:nth-child(4)::before{content:"verdict: "}.errata td::before{opacity:.75}}'
)
COLUMNS = {"item": 7, "the notes say": 36, "computed": 47, "verdict": 10}


@dataclass(frozen=True)
class Item:
    """One place where the notes differ, its texts filled in and its proof done.

    values: as computed. workings: the expressions that gave them and the proof, a line each; none without a proof.
    """

    id: str
    chapter: str
    status: str
    source: str
    says: str
    right: str
    reference: str
    workings: tuple[str, ...]
    values: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, repr=False)
class ErrataTable:
    """Items to print, or for Jupyter to show: item, what the notes say, what was computed, verdict.

    proofs: whether a page has each item's workings too, folded.
    """

    items: tuple[Item, ...]
    proofs: bool = False

    def __str__(self) -> str:
        return "\n".join(line for item in self.items for line in _text_block(item))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        widths = "".join(f'<col style="width:{percent}%">' for percent in COLUMNS.values())
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        body = "\n".join(_html_row(item, self.proofs) for item in self.items)
        return (
            f'<style scoped>{STYLE}</style>\n<table class="errata"><colgroup>{widths}</colgroup>'
            f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
        )


def items(chapter: str | None = None, ids: Sequence[str] | None = None) -> list[Item]:
    """The items of one chapter, or those with these ids in their order; all where neither is given.

    Raises CourseError for an unknown chapter or id, with the nearest, and for a broken item.
    """
    stored = _stored()
    if chapter is not None:
        _check_known("chapter with errata", chapter, dict.fromkeys(str(f.get("chapter")) for f in stored.values()))
    for name in ids or ():
        _check_known("errata item", name, stored)
    chosen = stored if ids is None else ids
    return [read_item(name, stored[name]) for name in chosen if chapter in (None, stored[name].get("chapter"))]


def table(chapter: str | None = None, proofs: bool = False) -> ErrataTable:
    """The table of one chapter, or of all, with or without the workings; raises CourseError as `items` does."""
    return ErrataTable(tuple(items(chapter)), proofs)


def read_item(name: str, fields: Mapping[str, Any]) -> Item:
    """Evaluate one item's values, check its proof and fill its texts.

    fields: as the module's first lines tell. Raises CourseError, which names the item, where a field is unknown,
    missing or of the wrong kind, an expression fails, a text uses a value that is not there, or the proof fails.
    """
    try:
        _check_fields(fields)
        expressions = dict(fields.get("values", {}))
        names = _namespace([*expressions.values(), fields.get("proof", "")])
        values = {}
        for key, expression in expressions.items():
            values[key] = names[key] = _evaluate(f"value {key!r}", expression, names)
        if "proof" in fields:
            result = _evaluate("its proof", fields["proof"], names)
            if not isinstance(result, bool | np.bool_) or not result:
                raise ValueError(f"its proof is {result!r}, not True: {fields['proof']}")
        says, right = (_fill(text, fields[text], values) for text in ("says", "right"))
    except ValueError as error:
        raise CourseError(f"errata item {name}: {error}") from error
    return Item(
        id=name,
        chapter=fields["chapter"],
        status=fields["status"],
        source=fields["source"],
        says=says,
        right=right,
        reference=fields.get("reference", ""),
        workings=_workings(expressions, fields.get("proof")),
        values=values,
    )


def _workings(expressions: Mapping[str, str], proof: str | None) -> tuple[str, ...]:
    if proof is None:
        return ()
    return (*(f"{name} = {expression}" for name, expression in expressions.items()), f"assert {proof}")


@cache
def _stored() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("errata.toml").read_text(encoding="utf-8"))


def _check_known(kind: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
        raise CourseError(f"no {kind} is called {name!r}: did you mean {nearest}?")


def _check_fields(fields: Mapping[str, Any]) -> None:
    if unknown := sorted(set(fields) - {*REQUIRED, *OPTIONAL}):
        raise ValueError(f"field {unknown[0]!r} is not known: use {', '.join((*REQUIRED, *OPTIONAL))}")
    if missing := [key for key in REQUIRED if key not in fields]:
        raise ValueError(f"field {missing[0]!r} is missing")
    if "proof" not in fields and "reference" not in fields:
        raise ValueError("nothing supports it: give it a proof or a reference")
    values = fields.get("values", {})
    if not isinstance(values, Mapping):
        raise ValueError(f"values is {values!r}: use values.NAME = 'EXPRESSION'")
    texts = {key: text for key, text in fields.items() if key != "values"} | dict(values)
    if wrong := [key for key, text in texts.items() if not isinstance(text, str) or not text.strip()]:
        raise ValueError(f"{wrong[0]!r} is {texts[wrong[0]]!r}: write it as a text in quotes")
    if fields["status"] not in STATUSES:
        raise ValueError(f"status {fields['status']!r} is not known: use {', '.join(STATUSES)}")


def _namespace(expressions: Sequence[str]) -> dict[str, Any]:
    """What expressions may use; Paddle and metrics are imported only for those that name them."""
    names: dict[str, Any] = dict(NAMES)
    text = " ".join(expressions)
    if "wilson_interval" in text:
        from course_utils.metrics import wilson_interval

        names["wilson_interval"] = wilson_interval
    if "optimizers" in text:
        from course_utils import optimizers

        names["optimizers"] = optimizers
    if "paddle" in text:
        import paddle

        names["paddle"] = paddle
    return names


def _evaluate(what: str, expression: str, names: dict[str, Any]) -> Any:
    try:
        return eval(expression, names)  # the expressions are package data, written by us and read by nobody else
    except Exception as error:
        raise ValueError(f"{what} cannot be computed, {type(error).__name__}: {error}") from error


class _Texts(Formatter):
    """Whole numbers with thousands separators, but not inside a shape."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, tuple | list):
            return f"[{', '.join(map(str, value))}]"
        if not format_spec and isinstance(value, int | np.integer) and not isinstance(value, bool):
            return f"{value:,}"
        return super().format_field(value, format_spec)


def _fill(key: str, text: str, values: Mapping[str, Any]) -> str:
    try:
        return _Texts().vformat(text, (), values)
    except KeyError as error:
        raise ValueError(f"{key!r} uses {error}, which is not among its values") from error
    except (IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{key!r} cannot be filled in, {error}") from error


def _text_block(item: Item) -> list[str]:
    lines = [f"{item.id}  {item.status}  ({item.source})"]
    parts = {"notes": item.says, "computed": item.right, "see": item.reference}
    for label, text in parts.items():
        if text:
            indent = " " * 12
            lines.append(textwrap.fill(text, 100, initial_indent=f"  {label:<10}", subsequent_indent=indent))
    return lines


def _html_row(item: Item, proofs: bool) -> str:
    def markup(text: str) -> str:
        text = re.sub(r"\[[^][]*\]", lambda shape: shape[0].replace(" ", "\N{NO-BREAK SPACE}"), html.escape(text))
        return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)

    see = f"<br><small>{markup(item.reference)}</small>" if item.reference else ""
    if proofs and item.workings:
        see += f"<details><summary>proof</summary><pre>{html.escape(chr(10).join(item.workings))}</pre></details>"
    cells = (
        f"<strong>{html.escape(item.id)}</strong>",
        f"{markup(item.says)}<br><small>{markup(item.source)}</small>",
        markup(item.right) + see,
        html.escape(item.status),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
