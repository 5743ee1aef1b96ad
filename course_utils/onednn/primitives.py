"""What oneDNN computes with: layouts, memories and primitives (oneDNN developer guide, "Basic concepts").

A *layout* is a shape and the order in which its numbers lie. Images in Paddle lie as NCHW: all of one channel, then
all of the next. oneDNN prefers blocks, such as nChw16c: for each pixel 16 channels side by side, as many as a vector
register of AVX-512 holds, so that one instruction works on all 16 (Georganas et al. 2018, "Anatomy of
High-Performance Deep Learning Convolutions on SIMD Architectures"). A *reorder* copies from one layout to another.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import byref, c_char_p, c_int, c_int64, c_void_p
from functools import cached_property
from itertools import accumulate
from typing import Any

from course_utils.onednn.library import Handle, check, cpu, functions

__all__ = ["Argument", "Layout", "Memory", "Primitive", "Recipe", "reorder"]

FLOAT32, BFLOAT16 = 3, 2  # dnnl_f32, dnnl_bf16
ANY_ORDER = 1  # dnnl_format_tag_any
IMPLEMENTATION_NAME = 8  # dnnl_query_impl_info_str
FIRST = 0  # of the layouts that a query could return


class Argument:
    """What a tensor is to a primitive: DNNL_ARG_SRC, ..._DST, ..._WEIGHTS, ..._BIAS, and their gradients."""

    X = 1
    Y = 17
    W = 33
    B = 41
    GRAD_X = 129
    GRAD_Y = 145
    GRAD_W = 161
    GRAD_B = 169


LAYOUT_QUERIES = {  # dnnl_query_t
    Argument.X: 129,
    Argument.GRAD_X: 130,
    Argument.W: 131,
    Argument.GRAD_W: 132,
    Argument.Y: 133,
    Argument.GRAD_Y: 134,
}


def sizes(values: Sequence[int]) -> Any:
    """An array of whole numbers as the library wants it."""
    return (c_int64 * len(values))(*values)


class Layout(Handle):
    """A shape, and the order in which its numbers, float32 or bfloat16, lie in memory."""

    @classmethod
    def plain(cls, shape: Sequence[int]) -> Layout:
        """The order of a contiguous Paddle tensor: the last index runs fastest."""
        steps = list(accumulate(shape[:0:-1], lambda step, size: step * size, initial=1))[::-1]
        create = functions().dnnl_memory_desc_create_with_strides
        return cls._made(create, len(shape), sizes(shape), FLOAT32, sizes(steps))

    @classmethod
    def free(cls, shape: Sequence[int], numbers: int = FLOAT32) -> Layout:
        """Any order: a recipe that is given this chooses the one that suits it best."""
        return cls._made(functions().dnnl_memory_desc_create_with_tag, len(shape), sizes(shape), numbers, ANY_ORDER)

    @classmethod
    def _made(cls, create: Any, *arguments: Any) -> Layout:
        return cls(create, functions().dnnl_memory_desc_destroy, *arguments)

    @cached_property
    def size(self) -> int:
        """Bytes that it takes, with the padding of its last blocks."""
        return functions().dnnl_memory_desc_get_size(self)

    def same(self, other: Layout) -> bool:
        return bool(functions().dnnl_memory_desc_equal(self, other))


class Memory(Handle):
    """A layout, and the place where its numbers lie, which is said anew for every call."""

    def __init__(self, layout: Layout) -> None:
        library = functions()
        super().__init__(library.dnnl_memory_create, library.dnnl_memory_destroy, layout, cpu().engine, None)
        self.layout, self._place = layout, 0
        self._move = library.dnnl_memory_set_data_handle

    def lies_at(self, place: int) -> None:
        """place: an address, of numbers in this layout."""
        if place != self._place:
            check(self._move(self.address, place))
            self._place = place


class Recipe(Handle):
    """How the library would compute something: which implementation, and which layouts it wants."""

    def __init__(self, create: Any, *arguments: Any) -> None:
        super().__init__(create, functions().dnnl_primitive_desc_destroy, *arguments)

    def layout(self, argument: int) -> Layout:
        """The layout that it wants for an argument."""
        library = functions()
        own = library.dnnl_primitive_desc_query_md(self, LAYOUT_QUERIES[argument], FIRST)
        return Layout(library.dnnl_memory_desc_clone, library.dnnl_memory_desc_destroy, own)

    @property
    def implementation(self) -> str:
        """Such as "jit:avx512_core": code written for this processor; "ref" are plain loops, which are slow."""
        name = c_char_p()
        check(functions().dnnl_primitive_desc_query(self, IMPLEMENTATION_NAME, 0, byref(name)))
        return (name.value or b"").decode()


class _BoundArgument(ctypes.Structure):
    """dnnl_exec_arg_t."""

    _fields_ = [("argument", c_int), ("memory", c_void_p)]


class Primitive(Handle):
    """A recipe turned into machine code, bound to the memories that it reads and writes."""

    def __init__(self, recipe: Recipe, memories: Mapping[int, Memory]) -> None:
        library = functions()
        super().__init__(library.dnnl_primitive_create, library.dnnl_primitive_destroy, recipe)
        self._memories = dict(memories)  # kept alive: the library has only their addresses
        bound = [_BoundArgument(argument, memory.address) for argument, memory in memories.items()]
        self._bound = (_BoundArgument * len(bound))(*bound)
        self._call = (self.address, cpu().stream.value, len(bound), ctypes.addressof(self._bound))
        self._execute = library.dnnl_primitive_execute

    def run(self) -> None:
        """Compute, and return when it is done."""
        check(self._execute(*self._call))


def reorder(source: Memory, target: Memory) -> Primitive:
    """The copy from one layout to another."""
    engine = cpu().engine
    create = functions().dnnl_reorder_primitive_desc_create
    recipe = Recipe(create, source.layout, engine, target.layout, engine, None)
    return Primitive(recipe, {Argument.X: source, Argument.Y: target})
