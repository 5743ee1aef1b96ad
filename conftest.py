"""For every test, and for the kernels that nbval starts: they inherit this process's environment.

Set before anything imports Paddle, which reads OMP_NUM_THREADS once. In xdist's workers too: each loads this file.
"""

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("COURSE_PROFILE", "quick")
os.environ.setdefault("OMP_NUM_THREADS", "1")
if data := os.environ.get("COURSE_DATA_DIR"):  # a kernel works in its notebook's folder, tests in their own
    os.environ["COURSE_DATA_DIR"] = str(Path(data).expanduser().absolute())

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job hands that on to all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = ["study", "room-kit", "build"]


def pytest_configure(config: pytest.Config) -> None:
    """Keep coverage out of the notebooks' kernels: it is the unit tests that must cover the package.

    nbval 0.11 starts coverage there whenever --cov is given; with pytest-cov 7 and xdist it then waits a minute
    for an answer that never comes, and fails every cell.
    """
    if config.pluginmanager.hasplugin("nbval"):
        import nbval.plugin

        nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *arguments: None
