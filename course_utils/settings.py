"""Where a chapter runs and on what: device, data, length and seed, from the COURSE_* variables.

This is the only module that names a device. `setup()` stands in the first code cell of every chapter.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from course_utils import __version__
from course_utils.errors import CourseError

__all__ = [
    "Settings",
    "current",
    "data_dir",
    "onednn_convolutions",
    "repository",
    "setup",
    "use_fast_mkl_on_amd",
]

CHOICES = {
    "COURSE_DEVICE": ("auto", "cpu", "gpu:0"),
    "COURSE_DATA": ("auto", "sample", "real"),
    "COURSE_PROFILE": ("full", "quick"),
    "COURSE_CONV": ("auto", "onednn", "paddle"),
}
THREADS = 2  # by default at most: what benchmarks/README.md has measured to pay off

Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """What the COURSE_* variables ask for.

    device: "auto", "cpu" or "gpu:0"; `setup()` replaces "auto" by what is there.
    data: "auto" (real where it lies in the data folder, else the sample), "sample" or "real".
    profile: "quick" (what tests run) or "full" (what a reader runs).
    conv: whose convolution a Trainer uses on CPU: "auto" (oneDNN's where it is available), "onednn" or "paddle".
    seed: of Python's, NumPy's and Paddle's generators, 0 to 2**31 - 1.
    """

    device: str
    data: str
    profile: str
    conv: str
    seed: int

    def pick(self, *, full: Value, quick: Value) -> Value:
        """The value for this profile: `epochs = run.pick(full=5, quick=1)`."""
        return quick if self.profile == "quick" else full


def current(seed: int = 0) -> Settings:
    """The COURSE_* variables as they stand, checked; `seed` holds where COURSE_SEED is not set.

    Raises CourseError that names the allowed values.
    """
    return Settings(
        device=_choice("COURSE_DEVICE"),
        data=_choice("COURSE_DATA"),
        profile=_choice("COURSE_PROFILE"),
        conv=_choice("COURSE_CONV"),
        seed=_seed(seed),
    )


def setup(chapter: str, seed: int = 0, threads: int = THREADS) -> Settings:
    """Prepare a chapter: seed every generator, choose the device, set the plot style, and print one line.

    chapter: the notebook's name, such as "01_convolution". seed: the chapter's own; COURSE_SEED overrides it.
    threads: as many at most, where OMP_NUM_THREADS does not say; 1 where a chapter races libraries against each
    other, since the waiting threads of one would take the other's cores. It counts before NumPy and Paddle are
    imported only.
    Raises CourseError for a wrong COURSE_* value, a missing data folder, or a device that is not there.
    """
    run = current(seed)
    found = _found_data(run.data)
    os.environ.setdefault("OMP_NUM_THREADS", str(min(threads, os.cpu_count() or 1)))
    use_fast_mkl_on_amd()
    with contextlib.redirect_stderr(io.StringIO()):  # its notes about OMP_NUM_THREADS are plain prints
        import paddle
    import matplotlib.pyplot as plt
    import numpy as np

    device = _choose_device(run.device)
    paddle.set_device(device)
    random.seed(run.seed)
    np.random.seed(run.seed)
    paddle.seed(run.seed)
    plt.style.use("course_utils.course")
    print(
        f"{chapter} · course_utils {__version__} · Paddle {paddle.__version__} · {_describe(device)}"
        f" · data {run.data} ({found}) · {run.profile} profile · seed {run.seed}"
    )
    return replace(run, device=device)


def onednn_convolutions() -> bool:
    """Whether a Trainer on CPU is to use oneDNN's convolution, as COURSE_CONV says and this machine allows.

    Raises CourseError where COURSE_CONV=onednn and it is not available.
    """
    from course_utils.onednn import availability

    asked = current().conv
    available = availability()
    if asked == "onednn" and not available:
        raise CourseError(f"COURSE_CONV=onednn, but {available.sentence}: use COURSE_CONV=auto or paddle")
    return bool(available) and asked != "paddle"


def use_fast_mkl_on_amd() -> bool:
    """Let the MKL inside Paddle use AVX2 on an AMD processor, which it does not know; whether that is on.

    It must be set before the first matrix product. Only for AMD processors with AVX2, and only on Linux, where the
    processor is told by /proc/cpuinfo. What the variable was set to before stays.
    """
    if _amd_with_avx2():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")
    return os.environ.get("MKL_DEBUG_CPU_TYPE") == "5"


def _amd_with_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    try:
        first = cpuinfo.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return False
    return "AuthenticAMD" in first and " avx2 " in first


def repository() -> Path | None:
    """The clone that the package runs from, or None where it was installed without one."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "notebooks" / "src").is_dir() else None


def data_dir() -> Path:
    """Where data sets lie: COURSE_DATA_DIR, else data/ of the clone, else the user's cache folder."""
    if named := os.environ.get("COURSE_DATA_DIR"):
        return Path(named).expanduser().absolute()
    if clone := repository():
        return clone / "data"
    import pooch

    return Path(pooch.os_cache("paddle-course"))


def _choice(variable: str) -> str:
    allowed = CHOICES[variable]
    value = os.environ.get(variable) or allowed[0]
    if value not in allowed:
        raise CourseError(f"{variable}={value!r} is not known: use {', '.join(allowed[:-1])} or {allowed[-1]}")
    return value


def _seed(default: int) -> int:
    text = os.environ.get("COURSE_SEED") or str(default)
    if not text.isascii() or not text.isdigit() or int(text) >= 2**31:
        raise CourseError(f"COURSE_SEED={text!r} is not known: use a whole number from 0 to {2**31 - 1}")
    return int(text)


def _choose_device(asked: str) -> str:
    """The device to use. CUDA is written for and guarded, and unproven: no CUDA build was to be had."""
    import paddle

    with_cuda = paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
    if asked == "auto":
        return "gpu:0" if with_cuda else "cpu"
    if asked == "gpu:0" and not with_cuda:
        raise CourseError(
            "COURSE_DEVICE=gpu:0 but this Paddle sees no CUDA device: install the GPU build (README, GPU), "
            "or use COURSE_DEVICE=cpu"
        )
    return asked


def _describe(device: str) -> str:
    if device != "cpu":
        return device
    threads = os.environ["OMP_NUM_THREADS"]
    whose = "oneDNN" if onednn_convolutions() else "Paddle"
    return f"cpu ({threads} thread{'s' if threads != '1' else ''}, training convolutions by {whose})"


def _found_data(asked: str) -> str:
    folder = data_dir()
    if os.environ.get("COURSE_DATA_DIR") and not folder.is_dir():
        raise CourseError(
            f"COURSE_DATA_DIR names the folder {str(folder)!r}, which does not exist: create it, or unset the variable"
        )
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if names:
        return f"found: {', '.join(names)}"
    return "none found" if asked == "real" else "none found: samples"
