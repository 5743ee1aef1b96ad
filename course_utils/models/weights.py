"""Weights from one network into another of the same form, with every name accounted for."""

from __future__ import annotations

from collections.abc import Mapping

from paddle import nn

__all__ = ["copy_weights"]


def copy_weights(source: nn.Layer, target: nn.Layer, rename: Mapping[str, str] | None = None) -> None:
    """Copy parameters and running statistics by name; `rename` replaces parts of the source's names.

    paddle's set_state_dict only warns of a name that has no place, and leaves the target as it was there.
    Raises ValueError, and has changed nothing, where a name of the source has no place in the target, a place of the
    target gets nothing, or shapes differ.
    """
    values = {_renamed(name, rename or {}): value for name, value in source.state_dict().items()}
    places = target.state_dict()
    names = f"of {type(source).__name__} to {type(target).__name__}"
    if unused := [name for name in values if name not in places]:
        raise ValueError(f"{len(unused)} names {names} have no place there, first {unused[0]!r}: rename them")
    if missing := [name for name in places if name not in values]:
        raise ValueError(
            f"{len(missing)} places {names} get no value, first {missing[0]!r}: use a net of the same form"
        )
    for name, place in places.items():
        if list(place.shape) != list(values[name].shape):
            shapes = f"{list(values[name].shape)} and {list(place.shape)}"
            raise ValueError(f"{name!r} {names} has the shapes {shapes}: use a net of the same form")
    for name, place in places.items():
        place.set_value(values[name])


def _renamed(name: str, rename: Mapping[str, str]) -> str:
    for old, new in rename.items():
        name = name.replace(old, new)
    return name
