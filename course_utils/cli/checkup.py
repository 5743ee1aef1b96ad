"""What this machine has for the course, row by row, and what to do about the rest."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from course_utils import settings
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.manifest import Entry

__all__ = ["Row", "examine", "processor"]

PACKAGE = "paddle-course-companion"
INSTALL = 'python -m pip install -c constraints.txt -e ".[cpu]"'
GIB = 2**30

# Runs apart: a build that does not suit this machine may end the whole process.
PROBE = """
import json, sys
import paddle
ones = paddle.ones([1, 1, 4, 4])
assert paddle.nn.functional.conv2d(ones, ones).shape == [1, 1, 1, 1]
cuda = paddle.is_compiled_with_cuda()
count = paddle.device.cuda.device_count() if cuda else 0
from course_utils.onednn import availability
onednn = availability().sentence
print(json.dumps({"version": paddle.__version__, "cuda": cuda, "devices": count, "onednn": onednn}))
"""


class Row(NamedTuple):
    """One line of the table. mend: what to do, in one sentence. blocks: no chapter runs before that is done."""

    what: str
    found: str
    mend: str = ""
    blocks: bool = False

    @property
    def verdict(self) -> str:
        """ "ok", "note" or "missing"."""
        return "missing" if self.blocks else "note" if self.mend else "ok"


def examine() -> list[Row]:
    """All rows of the table. Nothing has to be installed for it but typer and rich."""
    paddle = _ask_paddle()
    return [
        _python(),
        _paddle(paddle),
        *_packages(),
        _settings(),
        _cpu(),
        *_convolutions(paddle),
        _cuda(paddle),
        *_data(),
        _disk(),
        _memory(),
        _clone(),
    ]


def _python() -> Row:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Row("Python", found)
    return Row("Python", found, "Paddle has no wheel for it: install Python 3.10 to 3.13.", blocks=True)


def _ask_paddle() -> dict[str, Any]:
    """Version, "cuda" and "devices" of Paddle after a first convolution, or {"error": the last line it left}."""
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if run.returncode == 0:
        return dict(json.loads(run.stdout.splitlines()[-1]))
    lines = run.stderr.strip().splitlines()
    return {"error": lines[-1] if lines else f"ended with status {run.returncode}"}


def _paddle(paddle: dict[str, Any]) -> Row:
    installed = [name for name in ("paddlepaddle", "paddlepaddle-gpu") if _version(name)]
    if len(installed) == 2:
        return Row(
            "Paddle",
            "both builds, in one another's place",
            f"Uninstall paddlepaddle and paddlepaddle-gpu, then {INSTALL}.",
            blocks=True,
        )
    if "error" in paddle:
        found = f"does not run: {paddle['error']}" if installed else "not installed"
        return Row("Paddle", found, f"{INSTALL}", blocks=True)
    if paddle["version"].startswith("3.3."):
        return Row("Paddle", f"{paddle['version']}, a first convolution ran")
    return Row("Paddle", paddle["version"], f"The course needs 3.3: {INSTALL}", blocks=True)


def _packages() -> list[Row]:
    """One row for every dependency that is missing or of another version, or one that says that all are there."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in metadata.requires(PACKAGE) or []]
    except metadata.PackageNotFoundError:
        return [Row("Packages", "course_utils is not installed", INSTALL, blocks=True)]
    wanted = [need for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    rows = []
    for need in wanted:
        version = _version(need.name)
        if version is None or version not in need.specifier:
            found = f"{version}, and the course needs {need.specifier}" if version else "not installed"
            rows.append(Row(need.name, found, INSTALL, blocks=True))
    shown = ", ".join(f"{name} {_version(name)}" for name in ("numpy", "jupyterlab") if _version(name))
    return rows or [Row("Packages", f"all {len(wanted)} ({shown})")]


def _settings() -> Row:
    given = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("COURSE_")]
    try:
        settings.current()
    except CourseError as error:
        return Row("Settings", "a wrong value", f"{error}.", blocks=True)
    return Row("Settings", ", ".join(given) or "no COURSE_ variable is set")


def _cpu() -> Row:
    model, flags = _cpu_model()
    threads = os.cpu_count() or 1
    found = f"{model}, {threads} thread{'s' if threads > 1 else ''}"
    if flags is None:
        return Row("CPU", found)
    if "avx2" in flags:
        return Row("CPU", f"{found}, AVX2")
    return Row("CPU", f"{found}, no AVX2", "Paddle is slow here, or does not run at all: use a newer machine.")


def _convolutions(paddle: dict[str, Any]) -> list[Row]:
    """Whether oneDNN is of use here and asked for, and whether Paddle's MKL gets its fast path on AMD."""
    if "onednn" not in paddle:
        return []
    chosen = os.environ.get("COURSE_CONV", "auto")
    mkl = "; MKL_DEBUG_CPU_TYPE=5 for AMD" if settings.use_fast_mkl_on_amd() else ""
    return [Row("Convolutions", f"{paddle['onednn']} (COURSE_CONV={chosen}){mkl}")]


def processor() -> str:
    """The processor's name."""
    return _cpu_model()[0]


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, list[str] | None]:
    """Model name and instruction sets; the latter None where the system does not tell."""
    if not cpuinfo.exists():
        return platform.processor() or platform.machine(), None
    first = cpuinfo.read_text(encoding="utf-8").split("\n\n")[0]
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    return fields.get("model name", platform.machine()), fields.get("flags", "").split()


def _cuda(paddle: dict[str, Any]) -> Row:
    if paddle.get("devices"):
        return Row("CUDA", f"{paddle['devices']} device(s); unproven: the course never ran on one")
    found = "no device, and this Paddle is the CPU build" if paddle.get("cuda") is False else "no device"
    if os.environ.get("COURSE_DEVICE") != "gpu:0":
        return Row("CUDA", found)
    advice = "COURSE_DEVICE=gpu:0 needs a CUDA device and Paddle's GPU build (README, GPU)."
    return Row("CUDA", found, advice, blocks=True)


def _data() -> list[Row]:
    from course_utils import registry

    return [_data_set(registry.entry(name), settings.data_dir() / name) for name in registry.entries()]


def _data_set(entry: Entry, folder: Path) -> Row:
    what = f"Data: {entry.name}"
    try:
        wrong = [finding for finding in entry.inspect(folder, bytes_too=False) if finding.problem]
    except CourseError as error:
        return Row(what, "not usable", f"{error}.")
    if not wrong:
        return Row(what, f"in {folder}")
    advice = f"`course data get {entry.name}` {'fetches it' if entry.mirrors else 'says how to get it'}."
    if all(finding.problem == "is missing" for finding in wrong):
        return Row(what, "not here", advice)
    return Row(what, f"incomplete: {wrong[0].name} {wrong[0].problem}", advice)


def _disk() -> Row:
    folder = settings.data_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    found = f"{free:.1f} GB free at {folder}"
    return Row("Disk", found, "" if free >= 1 else "Free some: data sets and checkpoints want 1 GB.")


def _memory() -> Row:
    try:
        import psutil
    except ImportError:
        return Row("Memory", "unknown: psutil is not installed")
    memory = psutil.virtual_memory()
    found = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GB free"
    return Row("Memory", found, "" if memory.available >= GIB else "Close other programs: a chapter wants 1 GB.")


def _clone() -> Row:
    clone = settings.repository()
    if clone is None:
        return Row("Chapters", "none: the package is installed alone", "Clone the repository, and `make study` there.")
    kind = "clone" if (clone / ".git").exists() else "copy without git"
    return Row("Chapters", f"{kind} in {clone}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
