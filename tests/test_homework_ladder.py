"""The check ladder: every rung with its sentence, no false verdict over forms of a right answer, no missed mistake."""

import dataclasses
import functools
import itertools

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from course_utils.homework import calls, compare, hw1, hw2, ladder
from course_utils.homework.ladder import Crashed, Description, Raised, Returned, TimedOut
from course_utils.homework.questions import Assignment, Case, Known, Question, prepare
from course_utils.homework.values import Unknown


def made(oracle, cases, known=(), **others):
    return Question(
        "q1", "A task", "answer", 6, lambda generator: [Case(*case) for case in cases], oracle, known, **others
    )


def double(x):
    return 2 * x


DOUBLE = made(double, [("small", (3,)), ("large", (50,))], (Known("not squared.", lambda x: x * x),))


ONE = Description(True, "function", 1, 1)


class Scripted:
    """A ladder.Student whose replies are written down."""

    def __init__(self, *replies, described=ONE):
        self.replies, self.described, self.asked = list(replies), described, 0

    def describe(self, function):
        return self.described

    def call(self, function, driver, args, seconds):
        self.asked += 1
        return self.replies.pop(0)


class Here(Scripted):
    """A ladder.Student for a function in this process."""

    def __init__(self, function):
        self.function, self.described = function, calls.described(function)

    def call(self, function, driver, args, seconds):
        return calls.call(self.function, driver, args)


def judged(student, question=DOUBLE, seed=1):
    return ladder.check(question, prepare(question, seed), student)


def right(*values):
    return [Returned(value) for value in values]


@pytest.mark.parametrize(
    ("described", "verdict", "sentence"),
    [
        (None, "missing", "There is no answer yet: run the cell that defines it."),
        (Description(False, "int"), "wrong", "answer is an int, and should be a function of (x)."),
        (Description(False, "list"), "wrong", "answer is a list, and should be a function of (x)."),
        (Description(True, "function", 2, 2), "wrong", "answer takes 2 arguments, and should take 1: answer(x)."),
        (
            Description(True, "function", 2, None),
            "wrong",
            "answer takes 2 or more arguments, and should take 1: answer(x).",
        ),
        (Description(True, "function", 0, 0), "wrong", "answer takes 0 arguments, and should take 1: answer(x)."),
        (TimedOut(2), "timed out", "answer(3) did not end within 2 s: look for an endless loop."),
        (TimedOut(60, whole=True), "timed out", "It was not asked: the whole notebook took more than 60 s."),
        (Crashed("it ended"), "crashed", "answer(3) ended the whole process: it ended."),
        (Raised("ValueError", "no."), "raised", "answer(3) raised ValueError: no."),
    ],
)
def test_what_stands_under_the_name(described, verdict, sentence):
    outcome = judged(Scripted(described=described))
    assert (outcome.verdict, outcome.sentence, outcome.points) == (verdict, sentence, 0)
    assert outcome.parts == {"small": False, "large": False}


@pytest.mark.parametrize(
    "described", [Description(True, "f", 0, None), Description(True, "f", 0, 5), Description(True, "f", 1, 1)]
)
def test_whoever_can_take_the_arguments_is_called(described):
    assert judged(Scripted(*right(6, 100), described=described)).verdict == "passed"


@pytest.mark.parametrize(
    ("reply", "verdict", "sentence"),
    [
        (Raised("NotImplementedError", ""), "missing", "answer is still the empty sketch: write its body."),
        (
            Raised("ValueError", "bad.", "line 2 of answer"),
            "raised",
            "answer(3) raised ValueError: bad (line 2 of answer).",
        ),
        (TimedOut(2), "timed out", "answer(3) did not end within 2 s: look for an endless loop."),
        (Crashed("it ended with signal 11"), "crashed", "answer(3) ended the whole process: it ended with signal 11."),
        (Returned(None), "wrong", "answer(3): the result is None: end the function with return."),
        (Returned("6"), "wrong", "answer(3): the result is a text, not a whole number."),
        (Returned(True), "wrong", "answer(3): the result is True or False, not a whole number."),
        (Returned([6, 6]), "wrong", "answer(3): the result has the shape [2], not []."),
        (Returned(7), "wrong", "answer(3): the value is wrong."),
        (Returned(float("nan")), "wrong", "answer(3): the result holds 1 nan of 1."),
    ],
)
def test_what_a_call_gives(reply, verdict, sentence):
    outcome = judged(Scripted(reply, reply))
    assert (outcome.verdict, outcome.sentence, outcome.points) == (verdict, sentence, 0)


def test_after_a_crash_the_cases_that_are_left_are_not_asked():
    question = made(double, [("a", (1,)), ("b", (2,)), ("c", (3,))])
    student = Scripted(Returned(2), Crashed("it ended"))
    outcome = judged(student, question)
    assert student.asked == 2
    assert (outcome.verdict, outcome.points, outcome.parts) == ("partly", 2, {"a": True, "b": False, "c": False})


def test_each_part_gives_its_share_and_the_first_fault_is_told():
    outcome = judged(Scripted(*right(6, 101)))
    assert (outcome.verdict, outcome.points, outcome.maximum) == ("partly", 3, 6)
    assert outcome.sentence == "answer(50): the value is wrong."
    assert outcome.details == "got 101, expected 100"
    assert outcome.parts == {"small": True, "large": False}


def test_the_known_mistake_that_explains_most_is_the_hint():
    known = (Known("always nine.", lambda x: 9), Known("squared.", lambda x: x * x), Known("raises.", lambda x: 1 / 0))
    question = made(double, [("small", (3,)), ("large", (50,))], known)
    assert judged(Scripted(*right(9, 2500)), question).hint == "squared."
    assert judged(Scripted(*right(9, 9)), question).hint == "always nine."
    assert judged(Scripted(*right(6, 2500)), question).hint == "squared."
    assert judged(Scripted(*right(7, 2500)), question).hint == ""  # it does not explain the first
    assert judged(Scripted(Raised("E", ""), Returned(2500)), question).hint == ""


def test_arguments_are_spelled_as_a_student_would():
    question = made(lambda *args: 0, [("all", (np.zeros((2, 3)), {"a": 1}, list(range(50)), (1, "b")))])
    student = Scripted(Returned(1), described=Description(True, "f", 0, None))
    assert judged(student, question).sentence.startswith("answer(array[2, 3], {…}, list of 50, (1, 'b')): ")


# Forms of one right answer that must all pass, and of wrong ones that must not.
TABLE = np.arange(6.0).reshape(2, 3) / 7
FORMS = {
    "whole number": (
        42,
        [42, 42.0, np.int32(42), np.float32(42), np.array(42), np.array([42]), [42], paddle.to_tensor(42)],
        [41, 42.5, True, "42", None, [42, 42], np.array([[42]]), {}, 42j, np.array([]), np.array("42"), -42, np.inf],
    ),
    "number": (
        0.1,
        [0.1, np.float32(0.1), np.float64(0.1), np.array(0.1), np.array([0.1], "f4"), paddle.to_tensor(0.1)],
        [0.2, 0.1001, "0.1", None, [0.1, 0.1], np.nan, np.inf, -0.1, {}, 10],
    ),
    "array": (
        TABLE,
        [
            TABLE.astype("f4"), TABLE.tolist(), tuple(map(tuple, TABLE.tolist())), list(TABLE),
            np.asfortranarray(TABLE), TABLE.T.copy().T, paddle.to_tensor(TABLE),
            [paddle.to_tensor(row) for row in TABLE], TABLE.astype(">f8"),
            TABLE.astype("f2"), [[np.float32(x) for x in row] for row in TABLE], np.ma.masked_array(TABLE),
            np.broadcast_to(TABLE, (1, 2, 3))[0], TABLE.view(type("Sub", (np.ndarray,), {})),
        ],
        [
            TABLE.T, TABLE[None], TABLE + 1e-3, -TABLE, [[1], [2, 3]], "array", None, {}, 3, TABLE > 0,
            np.where(TABLE > 0.5, np.nan, TABLE), np.where(TABLE > 0.5, np.inf, TABLE), TABLE.astype("O"), TABLE + 0j,
            [[None] * 3] * 2, [],
        ],
    ),
    "whole array": (
        np.arange(4),
        [np.arange(4), [0, 1, 2, 3], range(4), np.arange(4.0), (0, 1, 2, 3)],
        [[0, 1, 2, 4], np.arange(4) + 0.1],
    ),
    "yes or no": (True, [True, np.True_, np.array(True)], [False, 1, 0, 1.0, "True", None]),
    "mask": (TABLE > 0.5, [TABLE > 0.5, (TABLE > 0.5).tolist()], [TABLE <= 0.5, (TABLE > 0.5).astype(int)]),
    "text": ("SAME", ["SAME", np.str_("SAME")], ["same", None, 1, ["SAME"], b"SAME"]),
    "shapes": (
        [(3, 4), (4,)],
        [[(3, 4), (4,)], ((3, 4), (4,)), [[3, 4], [4]], [np.array([3, 4]), paddle.to_tensor([4])]],
        [[(3, 4)], [(4, 3), (4,)], [(3, 4), 5, 6], [(3, 4), (1, 4)], 3, None, "34", {"a": 1}, [(3, 4), None]],
    ),
    "dict": (
        {"mean": TABLE, "count": 2},
        [{"mean": TABLE.tolist(), "count": 2.0}, {"count": np.int8(2), "mean": TABLE, "more": object()}],
        [{"mean": TABLE}, {"mean": TABLE, "count": 3}, {"mean": TABLE + 1, "count": 2}, [TABLE, 2], None],
    ),
    "nan": (np.array([1.0, np.nan]), [np.array([1, np.nan], "f4"), [1.0, float("nan")]], [[1.0, 2.0]]),
    "inf": (np.array([1.0, -np.inf]), [[1.0, -np.inf], np.array([1, -np.inf], "f2")], [[1.0, np.inf], [1.0, -1e30]]),
    "nothing": (np.zeros((0, 3)), [np.zeros((0, 3)), np.zeros((0, 3), "i8")], [np.zeros((3, 0)), np.zeros(3), []]),
    "zeros": (np.zeros(3), [np.zeros(3), [0, 0, 0], -np.zeros(3)], [[0, 0, 1e-3]]),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_right_answer_passes_and_no_other_does(form):
    wanted, passing, failing = FORMS[form]
    question = made(lambda x: wanted, [("all", (1,))])
    for value in passing:
        outcome = judged(Here(lambda x, value=value: value), question)
        assert outcome.verdict == "passed", (value, outcome)
    for value in failing:
        outcome = judged(Here(lambda x, value=value: value), question)
        assert outcome.verdict == "wrong", (value, outcome)
        assert outcome.sentence.startswith("answer(1): ")
        assert outcome.sentence.endswith(".")


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.float64, arrays.array_shapes(max_dims=4, max_side=4), elements=st.floats(-1e6, 1e6)),
    st.sampled_from(["f4", "f8"]),
    st.data(),
)
def test_tolerance_tells_rounding_from_a_mistake(wanted, kind, data):
    assert compare.same(wanted.astype(kind), wanted, None)
    place = tuple(data.draw(st.integers(0, side - 1)) for side in wanted.shape)
    spoilt = wanted.copy()
    spoilt[place] += 1e-3 * np.abs(wanted).max() + 1e-6
    assert not compare.same(spoilt.astype("f4"), wanted, None)


def test_a_question_may_set_its_own_tolerance():
    assert compare.same(1.05, 1.0, 0.1)
    assert not compare.same(1.05, 1.0, 0.01)


@pytest.mark.parametrize(
    ("got", "wanted", "sentence"),
    [
        ([1.0, 2.0], {"a": 1}, "it is a list of 2, not a dict."),
        ({"a": 1}, [1, 2], "it is a dict, not a list of 2."),
        ((1, 2, 3), (1, 2), "it has 3 items, not 2."),
        (np.zeros(5), [1, 2], "it has 5 items, not 2."),
        (np.array(5), [1, 2], "it is a whole number, not a list of 2."),
        (5, "text", "it is a whole number, not a text."),
        (Unknown("Odd"), 5, "it is an Odd, not a whole number."),
        ("x", np.zeros((2, 3)), "it is a text, not an array [2, 3] of float64."),
        ([np.zeros(9000), 1], 5, "it is a list whose rows differ in length, not a whole number."),
        ([np.zeros(9000, "u1")] * 9, 5, "it holds 81,000 values, not 1."),
        ([[1], [1, 2]], np.zeros((2, 3)), "it is a list whose rows differ in length, not an array [2, 3] of float64."),
        (np.zeros((3, 2), "f4"), np.zeros((2, 3)), "it has the shape [3, 2], not [2, 3]."),
        (0.5, True, "it is a number, not True or False."),
        ([1, [2, None]], [1, [2, 3]], "item 1 of item 1 of it is None: end the function with return."),
        ({"a": [1]}, {"a": [1, 2]}, "entry 'a' of it has 1 items, not 2."),
        ([None], [(1, 2)], "item 0 of it is None: end the function with return."),
        ((1,), np.zeros(2), "it has the shape [1], not [2]."),
        ([Unknown("Odd")], np.zeros(1), "it is a list of 1, not an array [1] of float64."),
        ({}, (1, 2), "it is a dict, not a tuple of 2."),
    ],
)
def test_what_keeps_a_value_from_the_wanted_form(got, wanted, sentence):
    assert compare.like(got, wanted, "it")[1] == sentence


def test_the_place_and_the_numbers_of_a_difference():
    wanted = np.zeros((2, 3))
    got = wanted + np.array([[0, 0, 1.5], [0, 2, 0]])
    assert compare.difference(got, wanted, None) == (
        "2 of 6 values are wrong, first at [0, 2].",
        "got 1.5, expected 0",
    )
    assert compare.difference({"a": 1234}, {"a": 4321}, None) == (
        "entry 'a': the value is wrong.",
        "entry 'a': got 1,234, expected 4,321",
    )
    assert compare.difference("x", "y", None) == ("the text differs.", "got 'x', expected 'y'")


VARIANTS = {
    "q1": [
        lambda n, k, s, p: len(range(0, n + 2 * p - k + 1, s)),
        lambda n, k, s, p: np.floor((n - k + 2 * p) / s) + 1,
        lambda n, k, s, p: np.int16((n - k + 2 * p) // s + 1),
        lambda *sizes: paddle.to_tensor((sizes[0] - sizes[1] + 2 * sizes[3]) // sizes[2] + 1),
        functools.partial(lambda n, k, s, p, one: (n + 2 * p - k) // s + one, one=1),
    ],
    "q5": [
        lambda f: [shape for i, o in itertools.pairwise(f) for shape in ([i, o], [o])],
        lambda f: tuple(np.array(shape) for i, o in itertools.pairwise(f) for shape in ((i, o), (o,))),
        lambda f: [tuple(p.shape) for i, o in itertools.pairwise(f) for p in paddle.nn.Linear(i, o).parameters()],
    ],
}


@pytest.mark.parametrize(("name", "variant"), [(name, v) for name, found in VARIANTS.items() for v in found])
def test_other_ways_to_write_homework_1_pass(name, variant):
    question = hw1.ASSIGNMENT.question(name)
    for seed in range(3):
        assert judged(Here(variant), question, seed).verdict == "passed"


def convolution(convert, result):
    """The answer to a question on conv2d by another way: arguments of another kind, an answer of another kind."""

    def conv2d(x, w, b, stride, padding):
        x, w, b = (convert(each) for each in (x, w, b))
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3))[:, :, ::stride, ::stride]
        return result(np.einsum("nchwij,dcij->ndhw", windows, w) + b[:, None, None])

    return conv2d


@pytest.mark.parametrize(
    ("convert", "result"),
    [
        (np.asarray, np.asarray),
        (lambda x: x.astype("f4"), lambda y: y),
        (np.asarray, lambda y: y.astype("f4")),
        (np.asarray, lambda y: np.ascontiguousarray(y.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)),
        (np.asarray, np.ndarray.tolist),
        (np.asarray, paddle.to_tensor),
        (np.asarray, list),
    ],
)
def test_other_kinds_of_arrays_pass_homework_2(convert, result):
    question = next(each for each in hw2.ASSIGNMENT.questions if each.function == "conv2d")
    for seed in range(2):
        assert judged(Here(convolution(convert, result)), question, seed).verdict == "passed"


def test_of_predictions_a_share_must_be_right():
    wanted = np.arange(10)
    question = made(lambda x: wanted, [("all", (1,))], share=0.8)
    assert judged(Scripted(*right(np.where(wanted < 8, wanted, 0))), question).verdict == "passed"
    outcome = judged(Scripted(*right(np.where(wanted < 7, wanted, 0))), question)
    assert (outcome.verdict, outcome.sentence) == ("wrong", "answer: 7 of 10 are right, and 80% are asked for.")
    assert judged(Scripted(*right(wanted[:9])), question).sentence.endswith("has the shape [9], not [10].")


def test_a_net_gets_weights_and_gives_shapes_and_output():
    weights, x = [np.full((2, 3), 0.5, "f4"), np.ones(3, "f4")], np.ones((4, 2), "f4")
    oracle = lambda sizes, weights, x: {"shapes": [(2, 3), (3,)], "output": x @ weights[0] + weights[1]}  # noqa: E731
    question = made(oracle, [("net", ((2, 3), weights, x))], driver="network")

    class Net(paddle.nn.Linear):
        def __init__(self, inputs, outputs):
            super().__init__(inputs, outputs)
            self.dropout = paddle.nn.Dropout(0.9)

        def forward(self, x):
            return self.dropout(super().forward(x))

    assert judged(Here(Net), question).verdict == "passed"
    narrow = judged(Here(lambda inputs, outputs: paddle.nn.Linear(inputs, 1)), question)
    assert narrow.sentence == (
        "answer(2, 3) on an input [4, 2]: your net has 2 trainable parameters, and 2 are asked for; "
        "the first that differs is number 1: [2, 1], not [2, 3]."
    )
    short = judged(Here(lambda inputs, outputs: paddle.nn.Linear(inputs, outputs, bias_attr=False)), question)
    assert short.sentence.endswith(
        "1 trainable parameters, and 2 are asked for; as far as they go, their shapes are right."
    )
    assert judged(Here(lambda inputs: 1), question).verdict == "raised"


def test_an_argument_that_is_changed_in_place_changes_nothing_for_the_next_case():
    question = made(lambda x: x + 1, [("one", (np.zeros(3),)), ("two", (np.zeros(3),))])

    def answer(x):
        x += 1
        return x

    assert judged(Here(answer), question).verdict == "passed"
    assert all((case.args[0] == 0).all() for case in prepare(question, 0))


def test_questions_and_assignments_know_their_names():
    assert DOUBLE.parameters == ("x",)
    homework = Assignment("hw9", "hw9_x", "X", (DOUBLE, dataclasses.replace(DOUBLE, name="q2")))
    assert homework.question("q2").name == "q2"
    with pytest.raises(ValueError, match="hw9 has no question 'q3': use one of q1, q2"):
        homework.question("q3")
