"""What passes between a student's process and the grader: everything plain comes back as it was, nothing else comes."""

import collections
import contextlib
import json

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from course_utils.homework import values
from course_utils.homework.values import Unknown, decode, encode, printable

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
)
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
KINDS = (
    arrays.boolean_dtypes()
    | arrays.integer_dtypes(endianness="=")
    | arrays.floating_dtypes(endianness="=", sizes=(16, 32, 64))
)


def framed(tree, data=b""):
    text = json.dumps(tree).encode()
    return len(text).to_bytes(8, "little") + text + data


@settings(max_examples=50, deadline=None)
@given(TREES)
def test_plain_values_come_back_as_they_were(tree):
    found = decode(encode(tree))
    assert found == tree
    assert repr(found) == repr(tree)  # True is not 1, and a tuple no list


@settings(max_examples=50, deadline=None)
@given(st.lists(arrays.arrays(st.shared(KINDS), arrays.array_shapes(min_dims=0, max_side=4)), max_size=4))
def test_arrays_come_back_as_they_were(found):
    for before, after in zip(found, decode(encode(found)), strict=True):
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        assert before.tobytes() == after.tobytes()
        after[...] = 0  # it is the receiver's own


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), TREES)
def test_any_frame_is_a_value_or_a_value_error(data, tree):
    for frame in (data, encode(tree)[: len(data)], framed(tree, data), bytearray(data)):
        with contextlib.suppress(ValueError):  # any other error would be the grader's end
            decode(frame)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["plain", "int", "float", "text", "unknown", "list", "tuple", "dict", "array", "other"]),
    TREES | st.just("<f8"),
    TREES,
    TREES,
)
def test_any_tree_is_a_value_or_a_value_error(kind, content, shape, start):
    with contextlib.suppress(ValueError):
        decode(framed([kind, content, shape, start], bytes(8)))


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        (np.float32(1.5), np.array(1.5, "f4")),
        (np.bool_(True), np.array(True)),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="i4")),
        (np.longdouble(0.5), np.array(0.5)),
        (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T),
        (np.ma.masked_array([1.0, 2.0]), np.array([1.0, 2.0])),
        (paddle.ones([2, 1]), np.ones((2, 1), "f4")),
        (paddle.to_tensor(3), np.array(3)),
        (paddle.nn.Linear(2, 2).bias, np.zeros(2, "f4")),
    ],
)
def test_numbers_of_numpy_and_paddle_are_arrays(given_value, wanted):
    found = decode(encode(given_value))
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        (range(3), [0, 1, 2]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.namedtuple("Pair", "a b")(1, 2), (1, 2)),
        (np.str_("text"), "text"),
        (object(), Unknown("object")),
        ({1: 2}, Unknown("dict")),
        (1j, Unknown("complex")),
        (np.ones(2, complex), Unknown("array of complex128")),
        (np.array(["a"]), Unknown("array of <U1")),
        ([Unknown("one")], [Unknown("one")]),
        (10**1001, Unknown("int of over 1,000 digits")),
        (10**999, 10**999),
        ("x" * 10**6, "x" * values.TEXT),
        (float("inf"), float("inf")),
        ("half \ud800", "half ?"),
    ],
)
def test_what_stands_for_something_plain_becomes_plain(given_value, wanted):
    assert decode(encode(given_value)) == wanted


def test_nan_comes_back():
    assert np.isnan(decode(encode(float("nan"))))


def nested(depth):
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nested(20), "8 levels"),
        ([0] * 30_000, "20,000 items"),
        (np.zeros(values.LIMIT + 1, "u1"), "bytes of arrays"),
        ([np.zeros(values.LIMIT // 2 + 1, "u1")] * 2, "bytes of arrays"),
        (["x" * 100_000] * 30, "bytes"),
    ],
)
def test_what_is_too_large_is_not_sent(value, message):
    with pytest.raises(ValueError, match=message):
        encode(value)


HUGE = 10**30


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"short",
        (2**63).to_bytes(8, "little"),
        framed(["list", [["plain", None]] * 30_000]),
        framed(["text", "x" * values.TREE]),
        framed(["plain", None], bytes(values.LIMIT + 1)),
        framed(["array", "<f8", [1], 0]),
        framed(["array", "<f8", [-1], 0], bytes(8)),
        framed(["array", "<f8", [HUGE, HUGE], 0], bytes(8)),
        framed(["array", "<f8", [1] * 40, 0], bytes(8)),
        framed(["array", "|O", [1], 0], bytes(8)),
        framed(["array", "<f8", [1], -8], bytes(8)),
        framed(["list", [["array", "<f8", [1], 0], ["array", "<f8", [1], 0]]], bytes(8)),  # the same bytes twice
        framed(["text", ["x"]]),
        framed(["unknown", ["x"]]),
        framed(["dict", [[["x"], ["plain", None]]]]),
        framed(["int", "1" * 2000]),
        framed(["plain", 1]),
        framed([]),
        framed({}),
        (8).to_bytes(8, "little") + b'["x",NaN',
        (3).to_bytes(8, "little") + b"NaN",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
        (16).to_bytes(8, "little") + b'["float", "\xff"] ',
    ],
)
def test_forged_frames_are_refused(frame):
    with pytest.raises(ValueError, match="is not a value of ours"):
        decode(frame)


def test_a_frame_takes_about_as_much_memory_as_it_is_long():
    largest = framed(["list", [["array", "|u1", [2**20], number * 2**20] for number in range(16)]], bytes(2**24))
    assert sum(array.nbytes for array in decode(largest)) == values.LIMIT
    assert len(largest) <= values.LARGEST


def test_printable_is_one_line_without_what_steers_a_terminal():
    assert printable(" a\n\tb \x1b[2J\u202e 张 \ud800") == "a b [2J 张"
