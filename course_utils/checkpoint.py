"""A training run in one file that is either whole or refused: named arrays and a few facts, without pickle.

A checkpoint is NumPy's npz: a zip whose checksums show any damage, read with allow_pickle=False, so that opening
a stranger's file runs no code. It is written beside its place and moved there at the end: whatever happens
meanwhile, the previous one stays whole.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle.optimizer.lr import LRScheduler

from course_utils.averaging import Average
from course_utils.errors import CourseError

__all__ = ["load_weights", "read", "restore", "state", "write"]

FORMAT = "course_utils checkpoint 1"
MOVING = ("last_epoch", "last_lr", "T_cur", "T_i")  # the numbers of a schedule that change with its steps


def write(path: str | Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts (anything that JSON can hold) to `path`, wholly or not at all.

    Raises CourseError where the file cannot be written; what stood there before is then still there.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    text = json.dumps({"format": FORMAT, "arrays": sorted(arrays), **facts})
    content: dict[str, Any] = {"facts": np.frombuffer(text.encode(), np.uint8), **arrays}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, **content)
            file.flush()
            os.fsync(file.fileno())  # without it, a power cut after the move could leave an empty file
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = error.strerror or error
        raise CourseError(
            f"the checkpoint {path} could not be written ({reason}): make room or name another folder"
        ) from error


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the facts of a checkpoint.

    Raises CourseError where there is none, where it is damaged, or where it is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise CourseError(f"there is no checkpoint {path}: train first, or name the folder where it lies")
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise CourseError(f"the checkpoint {path} could not be read ({error.strerror}): look at its rights") from error
    try:
        with np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop("facts").tobytes())
        if "arrays" in facts and facts.pop("arrays") != sorted(arrays):  # the zip's checksums leave out its names
            raise ValueError("an array's name was changed")
    except Exception as error:  # zipfile, zlib and NumPy have a dozen ways to say that bytes are wrong
        raise CourseError(
            f"the checkpoint {path} is damaged or is no checkpoint: delete it and use another, or train again"
        ) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise CourseError(f"{path} is not a {FORMAT}: use the course_utils that wrote it, or train again")
    return arrays, facts


def state(
    net: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer, average: Average | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """All that training has changed: arrays by "net/…", "optimizer/…" and "average/…", and facts about the rate."""
    schedule = optimizer._learning_rate
    facts = {
        "optimizer": type(optimizer).__name__,
        "lr": float(optimizer.get_lr()),
        "schedule": _schedule_state(schedule) if isinstance(schedule, LRScheduler) else None,
        "average": {"decay": average.decay, "updates": average.updates} if average else None,
    }
    tensors = _net_tensors(net) | _optimizer_tensors(optimizer) | _average_tensors(average)
    return {name: tensor.numpy() for name, tensor in tensors.items()}, facts


def restore(
    net: paddle.nn.Layer,
    optimizer: paddle.optimizer.Optimizer,
    arrays: Mapping[str, np.ndarray],
    facts: Mapping[str, Any],
    path: str | Path,
    average: Average | None = None,
) -> None:
    """Put back what `state` returned, the learning rate included; `path` is for the message.

    Raises CourseError where net, optimizer, schedule or average are not those of the file; all are then unchanged.
    """
    schedule, saved = optimizer._learning_rate, facts["schedule"]
    scheduled = isinstance(schedule, LRScheduler)
    kept = facts.get("average")
    here = _describe_run(
        type(optimizer).__name__, _schedule_state(schedule) if scheduled else None, average.decay if average else None
    )
    there = _describe_run(facts["optimizer"], saved, kept["decay"] if kept else None)
    if here != there:
        raise CourseError(
            f"the checkpoint {path} was written with {there}, this trainer has {here}: use the same, or take only the "
            "weights with checkpoint.load_weights(net, path)"
        )
    _fill(_net_tensors(net) | _optimizer_tensors(optimizer) | _average_tensors(average), arrays, path)
    if average and kept:
        average.updates = kept["updates"]
    if scheduled:
        _restore_schedule(schedule, saved)
    else:
        optimizer.set_lr(facts["lr"])


def load_weights(net: paddle.nn.Layer, path: str | Path) -> None:
    """Put a checkpoint's weights and running statistics into the net, and nothing else.

    Where the run kept an average, it is the average: what predict, evaluate and the choice of best.npz have used.
    Raises CourseError that names what does not fit; the net is then unchanged.
    """
    arrays, facts = read(path)
    average = facts.get("average")
    kind = "average/" if average and average["updates"] else "net/"
    weights = {f"net/{name.removeprefix(kind)}": array for name, array in arrays.items() if name.startswith(kind)}
    _fill(_net_tensors(net), weights, path)


def _net_tensors(net: paddle.nn.Layer) -> dict[str, paddle.Tensor]:
    """Parameters and running statistics."""
    return {f"net/{name}": tensor for name, tensor in net.state_dict().items()}


def _average_tensors(average: Average | None) -> dict[str, paddle.Tensor]:
    return {f"average/{name}": tensor for name, tensor in average.tensors.items()} if average else {}


def _describe_run(optimizer: str, schedule: dict[str, Any] | None, decay: float | None) -> str:
    average = "" if decay is None else f", averaging with decay {decay}"
    return f"{optimizer} and {_describe_schedule(schedule) if schedule else 'no schedule'}{average}"


def _describe_schedule(schedule: dict[str, Any]) -> str:
    """Its name and what it was made of, and the same of a schedule inside it: two that differ read differently."""
    fixed = {name: value for name, value in schedule["numbers"].items() if name not in MOVING}
    inner = [_describe_schedule(state) for state in schedule["inner"].values()]
    made_of = [f"{name}={value:.9g}" for name, value in fixed.items() if not isinstance(value, bool)]
    return f"{schedule['name']}({', '.join(made_of + inner)})"


def _optimizer_tensors(optimizer: paddle.optimizer.Optimizer) -> dict[str, paddle.Tensor]:
    """Moments and master weights, named by the place of their parameter in the optimizer's list.

    Paddle's own state_dict names them by a counter of the process, so that it fits no net but one built at the
    same moment, and it is empty before the first step: so we have them created here, and name them ourselves.
    """
    groups = optimizer._param_groups
    grouped = isinstance(groups[0], dict)
    parameters = [p for group in groups for p in group["params"]] if grouped else groups
    optimizer._create_accumulators(paddle.static.default_main_program().global_block(), parameters)
    place = {parameter.name: index for index, parameter in enumerate(parameters)}
    masters = optimizer._master_weights
    tensors = {f"optimizer/{place[name]}/master": master for name, master in masters.items()}
    place |= {master.name: place[name] for name, master in masters.items()}
    for kind, by_parameter in optimizer._accumulators.items():
        tensors |= {f"optimizer/{place[name]}/{kind}": tensor for name, tensor in by_parameter.items()}
    return tensors


def _schedule_state(schedule: LRScheduler) -> dict[str, Any]:
    """Every plain number of a schedule, and of a schedule inside it.

    (Its state_dict leaves out where CosineAnnealingWarmRestarts stands in its period.)
    """
    attributes = vars(schedule)
    return {
        "name": type(schedule).__name__,
        "numbers": {name: value for name, value in attributes.items() if isinstance(value, (int, float))},
        "inner": {name: _schedule_state(value) for name, value in attributes.items() if isinstance(value, LRScheduler)},
    }


def _restore_schedule(schedule: LRScheduler, saved: Mapping[str, Any]) -> None:
    vars(schedule).update(saved["numbers"])
    for name, inner in saved["inner"].items():
        _restore_schedule(getattr(schedule, name), inner)


def _fill(tensors: Mapping[str, paddle.Tensor], arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Copy arrays into the tensors of the same names, after all of them were seen to fit."""
    here = {name: _describe(tensor.numpy()) for name, tensor in tensors.items()}
    there = {name: _describe(array) for name, array in arrays.items()}
    wrong = [
        f"{name} is {there.get(name, 'missing')} in the file and {here.get(name, 'missing')} here"
        for name in here | there
        if here.get(name) != there.get(name)
    ]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CourseError(
            f"the checkpoint {path} does not fit this net: {'; '.join(wrong[:3])}{more}: build the net that it was "
            "written for"
        )
    for name, tensor in tensors.items():
        tensor.set_value(arrays[name])


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
