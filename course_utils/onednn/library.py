"""The oneDNN library inside Paddle's wheel: whether it is there and of use, and how its functions are called.

Paddle ships oneDNN, Intel's open library of neural-network kernels, for inference only. We call its C interface
through ctypes, so nothing is compiled. Names and numbers are those of its headers dnnl.h and dnnl_types.h
(oneDNN developer guide, version 3, 2024).
"""

from __future__ import annotations

import ctypes
import weakref
from ctypes import POINTER, byref, c_int, c_int64, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import paddle

__all__ = ["Availability", "Handle", "OneDNNError", "availability", "check", "cpu", "functions", "has_bfloat16"]

FILE_NAMES = ("libdnnl.so.3", "libdnnl.so", "mkldnn.dll")  # Linux, Linux, Windows (untried); macOS wheels have none
MAJOR_VERSION = 3  # the functions below take these arguments since version 3
AVX2_BIT = 0b100  # of dnnl_cpu_isa_t
BFLOAT16_BIT = 0b1000_0000  # dnnl_cpu_isa_avx512_core_bf16 has it, and whatever came after
CPU_ENGINE = 1  # dnnl_cpu
IN_ORDER = 1  # dnnl_stream_in_order
SUCCESS = 0  # dnnl_success


class OneDNNError(RuntimeError):
    """The library answered a call with a status other than success."""


@dataclass(frozen=True)
class Availability:
    """Whether convolutions can run through oneDNN here, and one sentence on it. True where they can."""

    usable: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.usable


@cache
def availability() -> Availability:
    """Whether this Paddle holds a oneDNN library that is of use on this processor; never raises."""
    try:
        path = _path()
        if path is None:
            return Availability(False, "this build of Paddle holds no oneDNN library (macOS builds have none)")
        return _judge(ctypes.CDLL(str(path)))
    except (OSError, AttributeError) as problem:
        return Availability(False, f"the oneDNN library of this Paddle does not load: {problem}")


def _path() -> Path | None:
    folder = Path(paddle.__file__).parent / "libs"
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


def _judge(library: Any) -> Availability:
    library.dnnl_version.restype = POINTER(c_int)
    major, minor, patch = library.dnnl_version()[:3]
    if major != MAJOR_VERSION:
        return Availability(False, f"Paddle holds oneDNN {major}.{minor}, and this is written for {MAJOR_VERSION}")
    if not library.dnnl_get_effective_cpu_isa() & AVX2_BIT:
        return Availability(False, "this processor has no AVX2, without which oneDNN is slower than Paddle")
    return Availability(True, f"convolutions run through oneDNN {major}.{minor}.{patch}")


@cache
def has_bfloat16() -> bool:
    """Whether oneDNN is available and this processor multiplies bfloat16 (AVX512_BF16: since 2020 at Intel's, 2022 at
    AMD's), twice as fast as float32."""
    return bool(availability()) and bool(functions().dnnl_get_effective_cpu_isa() & BFLOAT16_BIT)


@cache
def functions() -> Any:
    """The library with its functions declared. Paddle has loaded it already: this finds the same copy."""
    library = ctypes.CDLL(str(_path()))
    handle, new, sizes = c_void_p, POINTER(c_void_p), POINTER(c_int64)
    geometry = [sizes] * 4  # stride, dilation, padding before and after
    arguments: dict[str, list[Any]] = {
        "dnnl_engine_create": [new, c_int, c_size_t],
        "dnnl_stream_create": [new, handle, c_uint],
        "dnnl_memory_desc_create_with_tag": [new, c_int, sizes, c_int, c_int],
        "dnnl_memory_desc_create_with_strides": [new, c_int, sizes, c_int, sizes],
        "dnnl_memory_desc_clone": [new, handle],
        "dnnl_memory_desc_destroy": [handle],
        "dnnl_memory_desc_equal": [handle, handle],
        "dnnl_memory_desc_get_size": [handle],
        "dnnl_memory_create": [new, handle, handle, handle],
        "dnnl_memory_set_data_handle": [handle, handle],
        "dnnl_memory_destroy": [handle],
        "dnnl_convolution_forward_primitive_desc_create": [
            *[new, handle, c_int, c_int],  # where to put it, engine, kind of propagation, algorithm
            *[handle] * 4,  # layouts of x, w, b, y
            *[*geometry, handle],  # attributes
        ],
        "dnnl_convolution_backward_data_primitive_desc_create": [
            *[new, handle, c_int],
            *[handle] * 3,  # layouts of grad x, w, grad y
            *[*geometry, handle, handle],  # forward recipe, attributes
        ],
        "dnnl_convolution_backward_weights_primitive_desc_create": [
            *[new, handle, c_int],
            *[handle] * 4,  # layouts of x, grad w, grad b, grad y
            *[*geometry, handle, handle],
        ],
        "dnnl_reorder_primitive_desc_create": [new, *[handle] * 5],  # layout and engine, twice; attributes
        "dnnl_primitive_desc_query": [handle, c_int, c_int, handle],
        "dnnl_primitive_desc_query_md": [handle, c_int, c_int],
        "dnnl_primitive_desc_destroy": [handle],
        "dnnl_primitive_create": [new, handle],
        "dnnl_primitive_execute": [handle, handle, c_int, handle],
        "dnnl_primitive_destroy": [handle],
    }
    for name, types in arguments.items():
        getattr(library, name).argtypes = types
    library.dnnl_memory_desc_get_size.restype = c_size_t
    library.dnnl_primitive_desc_query_md.restype = handle
    return library


def check(status: int) -> None:
    """Raise OneDNNError unless a call succeeded."""
    if status != SUCCESS:
        raise OneDNNError(f"oneDNN answered with status {status}")


class Handle:
    """Something that the library made for us; it is given back when nobody refers to it any more."""

    def __init__(self, create: Any, destroy: Any, *arguments: Any) -> None:
        made = c_void_p()
        check(create(byref(made), *arguments))
        self._as_parameter_ = made  # what ctypes passes where the library asks for this
        self.address = made.value  # the same as a number, which ctypes passes faster
        weakref.finalize(self, destroy, made).atexit = False  # the end of the process frees all at once


class Cpu:
    """The engine, which is the processor, and the stream, in which computations follow each other."""

    def __init__(self) -> None:
        library = functions()
        self.engine, self.stream = c_void_p(), c_void_p()
        check(library.dnnl_engine_create(byref(self.engine), CPU_ENGINE, 0))
        check(library.dnnl_stream_create(byref(self.stream), self.engine, IN_ORDER))


@cache
def cpu() -> Cpu:
    """The one engine and stream of this process."""
    return Cpu()
