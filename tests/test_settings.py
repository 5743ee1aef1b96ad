"""The COURSE_* variables: every value, every wrong value, and what setup() reports and seeds."""

import os
import random
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paddle
import pytest

from course_utils import errors, settings
from course_utils.errors import CourseError
from course_utils.onednn import Availability

VARIABLES = {
    "COURSE_DEVICE": "cpu",
    "COURSE_DATA": "sample",
    "COURSE_DATA_DIR": ".",
    "COURSE_PROFILE": "quick",
    "COURSE_CONV": "paddle",
    "COURSE_SEED": "5",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(
        "MKL_DEBUG_CPU_TYPE", os.environ.get("MKL_DEBUG_CPU_TYPE", "0")
    )  # so that setup() leaves no trace
    with plt.style.context("default"):
        yield


def test_without_variables():
    assert settings.current(7) == settings.Settings("auto", "auto", "full", "auto", 7)


def test_with_variables(monkeypatch):
    for variable, value in VARIABLES.items():
        monkeypatch.setenv(variable, value)
    run = settings.current(7)
    assert run == settings.Settings("cpu", "sample", "quick", "paddle", 5)
    assert run.pick(full=10, quick=1) == 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("COURSE_DEVICE", "gpu", "use auto, cpu or gpu:0"),
        ("COURSE_DATA", "fake", "use auto, sample or real"),
        ("COURSE_PROFILE", "fast", "use full or quick"),
        ("COURSE_CONV", "mkldnn", "use auto, onednn or paddle"),
        ("COURSE_SEED", "-1", "use a whole number from 0 to"),
        ("COURSE_SEED", "2147483648", "use a whole number from 0 to"),
    ],
)
def test_a_wrong_value_names_the_allowed_ones(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(CourseError, match=message) as caught:
        settings.current()
    assert variable in str(caught.value)


def test_setup_reports_and_seeds(monkeypatch, tmp_path, capsys):
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    draws = []
    for _ in range(2):
        run = settings.setup("01_convolution", seed=3)
        draws.append((random.random(), np.random.rand(), paddle.rand([1]).item()))
    assert draws[0] == draws[1]
    assert run.device in ("cpu", "gpu:0")
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("01_convolution · course_utils")
    for part in (paddle.__version__, "data auto (found: mnist)", "full profile", "seed 3"):
        assert part in line
    assert str(tmp_path) not in line


def test_setup_without_data_says_samples(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    settings.setup("x")
    assert "none found: samples" in capsys.readouterr().out


def test_a_data_folder_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "gone"))
    with pytest.raises(CourseError, match="does not exist: create it, or unset the variable"):
        settings.setup("x")


@pytest.mark.skipif(paddle.is_compiled_with_cuda(), reason="needs a build without CUDA")
def test_no_gpu_is_one_sentence(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "gpu:0")
    with pytest.raises(CourseError, match="sees no CUDA device"):
        settings.setup("x")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    """What CPU can prove of the CUDA path: the choice, not the run."""
    monkeypatch.setattr(paddle, "is_compiled_with_cuda", lambda: True)
    monkeypatch.setattr(paddle.device.cuda, "device_count", lambda: 1)
    chosen = []
    monkeypatch.setattr(paddle, "set_device", chosen.append)
    monkeypatch.setattr(paddle, "seed", lambda seed: None)  # it would ask the CUDA library for its devices
    assert settings.setup("x").device == "gpu:0"
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert settings.setup("x").device == "cpu"
    assert chosen == ["gpu:0", "cpu"]


USABLE, USELESS = Availability(True, "it runs"), Availability(False, "this processor has no AVX2")


@pytest.mark.parametrize(
    ("conv", "available", "whose"),
    [
        ("auto", USABLE, "oneDNN"),
        ("auto", USELESS, "Paddle"),
        ("paddle", USABLE, "Paddle"),
        ("onednn", USABLE, "oneDNN"),
    ],
)
def test_the_setup_line_says_whose_convolutions_run(monkeypatch, capsys, conv, available, whose):
    monkeypatch.setenv("COURSE_CONV", conv)
    monkeypatch.setattr("course_utils.onednn.availability", lambda: available)
    settings.setup("x")
    assert f"training convolutions by {whose})" in capsys.readouterr().out


def test_onednn_where_there_is_none_is_one_sentence(monkeypatch):
    monkeypatch.setenv("COURSE_CONV", "onednn")
    monkeypatch.setattr("course_utils.onednn.availability", lambda: USELESS)
    with pytest.raises(CourseError, match="this processor has no AVX2: use COURSE_CONV=auto or paddle"):
        settings.setup("x")


@pytest.mark.parametrize(
    ("text", "amd"),
    [
        ("vendor_id : AuthenticAMD\nflags : sse avx2 fma\n\n", True),
        ("vendor_id : AuthenticAMD\nflags : sse fma\n\n", False),
        ("vendor_id : GenuineIntel\nflags : sse avx2 fma\n\n", False),
    ],
)
def test_mkl_s_fast_path_is_for_amd_with_avx2(tmp_path, text, amd):
    (tmp_path / "cpuinfo").write_text(text)
    assert settings._amd_with_avx2(tmp_path / "cpuinfo") is amd
    assert not settings._amd_with_avx2(tmp_path / "missing")


@pytest.mark.parametrize(("amd", "before", "after"), [(True, None, "5"), (True, "4", "4"), (False, None, None)])
def test_mkl_s_fast_path_is_set_where_it_applies_and_kept_where_it_was(monkeypatch, amd, before, after):
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    if before:
        monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", before)
    monkeypatch.setattr(settings, "_amd_with_avx2", lambda: amd)
    assert settings.use_fast_mkl_on_amd() is (after == "5")
    assert os.environ.get("MKL_DEBUG_CPU_TYPE") == after


def test_data_lie_in_the_clone_or_in_the_cache(monkeypatch):
    assert settings.data_dir() == settings.repository() / "data"
    monkeypatch.setattr(settings, "repository", lambda: None)
    assert "paddle-course" in str(settings.data_dir())


def test_an_installed_package_has_no_repository(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "course_utils" / "settings.py"))
    assert settings.repository() is None


def test_jupyter_shows_the_sentence_alone():
    assert CourseError("use quick")._render_traceback_() == ["CourseError: use quick"]
    assert errors.__all__ == ["CourseError"]


def test_import_course_utils_is_light():
    code = "import sys, course_utils; sys.exit(any(m in sys.modules for m in ('paddle', 'numpy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False).returncode == 0
