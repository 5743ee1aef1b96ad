"""Convolution through oneDNN is Paddle's: results, gradients, errors, and all that Paddle's graph can be asked."""

import contextlib
import functools
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import paddle.nn.functional as F
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import datasets, metrics
from course_utils.models import LeNet5
from course_utils.onednn import availability, conv2d, fast_convolutions, has_bfloat16, library, plan, primitives
from course_utils.onednn import convolution as convolution_module
from course_utils.training import Trainer

pytestmark = pytest.mark.skipif(not availability(), reason=availability().sentence)

TOLERANCE = 2e-5  # of the largest value


def tensor(*shape, seed=0, dtype="float32", wants_gradient=True):
    values = np.random.default_rng(seed).standard_normal(shape)
    return paddle.to_tensor(values.astype(dtype), stop_gradient=not wants_gradient)


def same(got, expected, tolerance=TOLERANCE):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0) <= tolerance * np.abs(expected).max(initial=1e-3)


def result_and_gradients(convolve, inputs, **how):
    """y and the gradients of all inputs, where the loss weighs every pixel differently."""
    inputs = [paddle.to_tensor(value.numpy(), stop_gradient=False) for value in inputs]
    y = convolve(*inputs, **how)
    (y * tensor(*y.shape, seed=1, wants_gradient=False).astype(y.dtype)).sum().backward()
    return [y.numpy(), *(value.grad.numpy() for value in inputs)]


def output_of(program, **environment):
    """The last line that a process of its own prints."""
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=dict(os.environ, GLOG_minloglevel="2", **environment),
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1]


@pytest.fixture
def left_to_paddle(monkeypatch):
    """The calls that reach Paddle's own function."""
    calls, own = [], convolution_module.paddle_conv2d

    def paddle_conv2d(*arguments, **named):
        calls.append(arguments)
        return own(*arguments, **named)

    monkeypatch.setattr(convolution_module, "paddle_conv2d", paddle_conv2d)
    return calls


@st.composite
def cases(draw):
    groups = draw(st.integers(1, 4))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    size = [draw(st.integers(d * (k - 1) + 1, 19)) for d, k in zip(dilation, kernel, strict=True)]
    per_group, filters = draw(st.integers(1, 17)), groups * draw(st.integers(1, 9))
    inputs = [
        tensor(draw(st.integers(1, 3)), groups * per_group, *size),
        tensor(filters, per_group, *kernel, seed=2),
        *([tensor(filters, seed=3)] if draw(st.booleans()) else []),
    ]
    stride = draw(st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))))
    padding = draw(st.one_of(st.integers(0, 3), st.lists(st.integers(0, 3), min_size=2, max_size=2)))
    return inputs, dict(stride=stride, padding=padding, dilation=dilation, groups=groups)


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_equals_paddle_and_double_precision(case):
    inputs, how = case
    got = result_and_gradients(conv2d, inputs, **how)
    double = [value.astype("float64") for value in inputs]
    for expected in (result_and_gradients(F.conv2d, inputs, **how), result_and_gradients(F.conv2d, double, **how)):
        for ours, theirs in zip(got, expected, strict=True):
            same(ours, theirs)


@pytest.mark.parametrize(
    ("x", "w", "how"),
    [
        ((128, 16, 32, 32), (16, 16, 3, 3), dict(padding=1)),  # ResNet-20
        ((64, 1, 32, 32), (6, 1, 5, 5), dict()),  # LeNet-5
        ((2, 3, 224, 224), (64, 3, 11, 11), dict(stride=4, padding=2)),  # AlexNet
        ((2, 64, 28, 28), (64, 1, 3, 3), dict(padding=1, groups=64)),  # depthwise
        ((1, 512, 1, 1), (10, 512, 1, 1), dict()),
    ],
)
def test_equals_paddle_in_known_networks(x, w, how, left_to_paddle):
    inputs = [tensor(*x), tensor(*w, seed=2), tensor(w[0], seed=3)]
    got, expected = result_and_gradients(conv2d, inputs, **how), result_and_gradients(F.conv2d, inputs, **how)
    for ours, theirs in zip(got, expected, strict=True):
        same(ours, theirs)
    assert not left_to_paddle


def test_same_seed_same_bits():
    def run():
        paddle.seed(3)
        net = paddle.nn.Sequential(paddle.nn.Conv2D(3, 8, 3), paddle.nn.ReLU(), paddle.nn.Conv2D(8, 4, 3))
        optimizer = paddle.optimizer.SGD(0.1, parameters=net.parameters())
        with fast_convolutions():
            for _ in range(3):
                (net(tensor(4, 3, 9, 9)) ** 2).mean().backward()
                optimizer.step()
                optimizer.clear_grad()
        return [value.numpy().tobytes() for value in net.parameters()]

    assert run() == run()


# What Paddle's graph can be asked.


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("of", [0, 1, 2])
def test_gradient_of_a_gradient(groups, of):
    """Against differences of Paddle's gradients in double precision, along one direction.

    Paddle 3.3 itself is no measure: its gradient of the weights' gradient is wrong, and for depthwise there is none.
    """
    inputs = [tensor(2, 4, 7, 6), tensor(8, 4 // groups, 3, 3, seed=2), tensor(8, seed=3)]
    along = [tensor(*value.shape, seed=4 + index, dtype="float64") for index, value in enumerate(inputs)]

    def penalty(convolve, inputs, create_graph):
        y = convolve(*inputs, stride=2, padding=1, groups=groups)
        (gradient,) = paddle.grad((y**3).sum(), inputs[of], create_graph=create_graph)
        return (gradient**2).sum()

    def moved(distance):
        there = [(x.astype("float64") + distance * way).detach() for x, way in zip(inputs, along, strict=True)]
        for place in there:
            place.stop_gradient = False
        return float(penalty(F.conv2d, there, create_graph=False))

    penalty(conv2d, inputs, create_graph=True).backward()
    slope = sum(float((x.grad.astype("float64") * way).sum()) for x, way in zip(inputs, along, strict=True))
    same(slope, (moved(1e-5) - moved(-1e-5)) / 2e-5, tolerance=1e-4)


def test_gradient_of_some_inputs_only():
    x, w, b = inputs = [tensor(2, 4, 7, 6), tensor(6, 4, 3, 3, seed=2), tensor(6, seed=3)]
    inner = x * 2
    ours, theirs = conv2d(inner, w, b).pow(2).sum(), F.conv2d(inner, w, b).pow(2).sum()
    for asked in ([x], [w], [b], [inner], [x, b], [b, w], [inner, x]):
        got = paddle.grad(ours, asked, retain_graph=True)
        expected = paddle.grad(theirs, asked, retain_graph=True)
        for mine, paddles in zip(got, expected, strict=True):
            same(mine, paddles)
    for asked, constant in ((w, inner), (inner, w), (inner, b)):
        (got,) = paddle.grad(ours, asked, no_grad_vars=[constant], retain_graph=True)
        same(got, paddle.grad(theirs, asked, no_grad_vars=[constant], retain_graph=True)[0])
    assert [value.grad for value in inputs] == [None] * 3


@pytest.mark.parametrize("wants", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
def test_inputs_that_want_no_gradient(wants):
    shapes = [(2, 4, 7, 6), (6, 4, 3, 3), (6,)]
    inputs = [tensor(*shape, wants_gradient=bool(want)) for shape, want in zip(shapes, wants, strict=True)]
    y = conv2d(*inputs)
    assert y.stop_gradient == (not any(wants))
    if any(wants):
        y.sum().backward()
    assert [value.grad is not None for value in inputs] == [bool(want) for want in wants]


def test_no_graph_is_made_without_need():
    with paddle.no_grad():
        y = conv2d(tensor(1, 2, 5, 5), tensor(2, 2, 3, 3))
    assert y.stop_gradient
    assert y.grad_fn is None


def test_backward_again_where_the_graph_is_kept():
    x, w = tensor(1, 2, 5, 5), tensor(2, 2, 3, 3)
    y = conv2d(x, w)
    y.sum().backward(retain_graph=True)
    once = x.grad.numpy()
    (gradient,) = paddle.grad(y.sum(), x, retain_graph=True)
    same(gradient, once)
    paddle.autograd.backward([y.sum()])
    same(x.grad, 2 * once)


@pytest.mark.parametrize("again", [lambda y, x: y.backward(), lambda y, x: paddle.grad(y, x)])
def test_backward_again_where_the_graph_is_gone(again):
    x = tensor(1, 2, 5, 5)
    y = conv2d(x, tensor(2, 2, 3, 3))
    y.sum().backward()
    with pytest.raises(SystemError, match="backward twice"):
        again(y.sum(), x)


def test_what_a_backward_pass_used_is_not_kept():
    """Otherwise a loop that holds its loss would hold a second set of images and activations."""
    released = []

    class Gradients:
        def __call__(self, grad_y, wanted, create_graph):
            return [grad_y]

        def __del__(self):
            released.append(True)

    y = convolution_module.attach(tensor(3, wants_gradient=False), [tensor(3)], Gradients())
    y.sum().backward(retain_graph=True)
    assert not released
    y.sum().backward()
    assert released
    assert y is not None


def test_a_caller_that_we_do_not_know_gets_right_gradients():
    """Some other function than backward() and grad() may run the graph: then gradients can have gradients."""
    x, w = tensor(1, 2, 5, 5), tensor(2, 2, 3, 3)
    y = conv2d(x, w).sum()
    paddle.base.core.eager.run_backward([y], [], False, "")
    same(x.grad, paddle.grad(F.conv2d(x, w).sum(), x)[0])


def test_hooks_of_a_user():
    def run(convolve):
        x, w = tensor(1, 2, 5, 5), tensor(2, 2, 3, 3)
        y = convolve(x, w)
        y.retain_grads()
        y.register_hook(lambda gradient: gradient * 3)
        w.register_hook(lambda gradient: gradient * 2)
        y.sum().backward()
        return x.grad.numpy(), w.grad.numpy(), y.grad.numpy()

    for ours, theirs in zip(run(conv2d), run(F.conv2d), strict=True):
        same(ours, theirs)


def test_hooks_of_a_layer():
    layer, seen = paddle.nn.Conv2D(2, 2, 3), []
    layer.register_forward_post_hook(lambda layer, inputs, output: seen.append(list(output.shape)))
    with fast_convolutions():
        layer(tensor(1, 2, 5, 5))
    assert seen == [[1, 2, 3, 3]]


def test_shared_weights():
    def twice(convolve):
        x, w = tensor(1, 2, 7, 7), tensor(2, 2, 3, 3)
        (convolve(convolve(x, w), w) ** 2).sum().backward()
        return x.grad.numpy(), w.grad.numpy()

    for ours, theirs in zip(twice(conv2d), twice(F.conv2d), strict=True):
        same(ours, theirs)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[1:],
        lambda x: x[:, 1:3],
        lambda x: x[:, :, 1:, 1:],
        lambda x: x[:, :, ::2, ::2],
        lambda x: x.transpose([0, 1, 3, 2]),
        lambda x: x.expand([3, 4, 9, 8])[:2] if x.shape[0] == 1 else x.flip(0),
    ],
)
def test_views(view):
    def run(convolve):
        x, w = tensor(3, 4, 9, 8), tensor(8, 9, 4, 3, seed=2)
        kernels = w.transpose([3, 2, 1, 0])[:, : view(x).shape[1], :3, :3]  # [3, D, 3, 3], not contiguous
        y = convolve(view(x), kernels)
        (y.transpose([0, 1, 3, 2]) ** 2).sum().backward()
        return y.numpy(), x.grad.numpy(), w.grad.numpy()

    for ours, theirs in zip(run(conv2d), run(F.conv2d), strict=True):
        same(ours, theirs)


def test_inplace_change_of_the_result():
    x, w = tensor(1, 2, 5, 5), tensor(2, 2, 3, 3)
    F.relu_(conv2d(x, w)).sum().backward()
    same(x.grad, paddle.grad(F.relu(F.conv2d(x, w)).sum(), x)[0])


@pytest.mark.parametrize("of", [0, 1])
def test_inplace_change_of_an_input_is_refused(of):
    leaves = [tensor(1, 2, 5, 5), tensor(2, 2, 3, 3)]
    inputs = [value * 1 for value in leaves]
    y = conv2d(*inputs)
    inputs[of].scale_(2.0)
    with pytest.raises(OSError, match="modified by an inplace operation"):
        y.sum().backward()


# What is left to Paddle.


def unlike(**changes):
    return dict(dict(x=tensor(2, 4, 6, 6), weight=tensor(4, 4, 3, 3)), **changes)


@pytest.mark.parametrize(
    "arguments",
    [
        unlike(x=tensor(2, 4, 6, 6, dtype="float64"), weight=tensor(4, 4, 3, 3, dtype="float64")),
        unlike(data_format="NHWC", x=tensor(2, 6, 6, 4)),
        unlike(padding="SAME"),
        unlike(padding="valid"),
        unlike(padding=[1, 0, 2, 1]),
        unlike(padding=[[0, 0], [0, 0], [1, 0], [2, 1]]),
        unlike(x=tensor(0, 4, 6, 6)),
        unlike(bias=tensor(1, 4, 1, 1)),
    ],
)
def test_left_to_paddle(arguments, left_to_paddle):
    same(conv2d(**arguments), F.conv2d(**arguments))
    assert len(left_to_paddle) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (unlike(x=tensor(2, 4, 6, 6, dtype="float16"), weight=tensor(4, 4, 3, 3, dtype="float16")), RuntimeError),
        (unlike(x=paddle.ones([2, 4, 6, 6], "int32"), weight=paddle.ones([4, 4, 3, 3], "int32")), RuntimeError),
        (unlike(x=tensor(2, 3, 6, 6)), ValueError),
        (unlike(x=tensor(4, 6, 6)), ValueError),
        (unlike(groups=3), ValueError),
        (unlike(groups=0), ValueError),
        (unlike(weight=tensor(6, 1, 3, 3), groups=4), ValueError),
        (unlike(padding=-1), ValueError),
        (unlike(stride=[1, 1, 1]), ValueError),
        (unlike(stride=0), Exception),
        (unlike(data_format="CHWN"), ValueError),
        (unlike(bias=tensor(3)), ValueError),
    ],
)
def test_wrong_arguments_get_paddles_errors(arguments, error):
    with pytest.raises(error) as paddles:
        F.conv2d(**arguments)
    with pytest.raises(error) as ours:
        conv2d(**arguments)
    assert ours.type is paddles.type
    assert str(ours.value)[:60] == str(paddles.value)[:60]


def test_a_tensor_on_another_device_is_left_to_paddle():
    """No CUDA build was to be had: this holds the decision, not the computation."""

    def on(cpu):
        place = SimpleNamespace(is_cpu_place=lambda: cpu)
        return SimpleNamespace(ndim=1, dtype=paddle.float32, is_dense=lambda: True, place=place, shape=[2])

    assert convolution_module._suits(on(cpu=True), 1)
    assert not convolution_module._suits(on(cpu=False), 1)


def refuse(*arguments, **named):
    raise library.OneDNNError("oneDNN answered with status 2")


def test_a_status_while_planning(monkeypatch, left_to_paddle):
    plan._plan.cache_clear()
    monkeypatch.setattr(primitives.Recipe, "__init__", refuse)
    same(conv2d(**unlike()), F.conv2d(**unlike()))
    assert left_to_paddle
    plan._plan.cache_clear()


def test_only_plain_loops(monkeypatch, left_to_paddle):
    plan._plan.cache_clear()
    monkeypatch.setattr(primitives.Recipe, "implementation", "ref:any")
    same(conv2d(**unlike()), F.conv2d(**unlike()))
    assert left_to_paddle
    plan._plan.cache_clear()


def test_a_status_while_computing(monkeypatch, left_to_paddle):
    monkeypatch.setattr(primitives.Primitive, "run", refuse)
    same(conv2d(**unlike()), F.conv2d(**unlike()))
    assert left_to_paddle


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_status_in_the_backward_pass(monkeypatch, groups):
    inputs = [tensor(2, 4, 6, 6), tensor(4, 4 // groups, 3, 3), tensor(4)]
    expected = result_and_gradients(F.conv2d, inputs, groups=groups)
    monkeypatch.setattr(plan.Plan, "gradients", refuse)
    for ours, theirs in zip(result_and_gradients(conv2d, inputs, groups=groups), expected, strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("whole", [True, False])
def test_traced_to_a_static_graph(whole):
    """In a process of its own: Paddle's tracing of bytecode does not live with pytest's."""
    program = f"""
import paddle
from course_utils.onednn import fast_convolutions
net = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 3), paddle.nn.ReLU(), paddle.nn.Conv2D(3, 3, 3, groups=3))
x = paddle.randn([2, 2, 8, 8])
expected = net(x)
with fast_convolutions():
    got = paddle.jit.to_static(net, full_graph={whole})(x)
got.sum().backward()
assert net[0].weight.grad is not None
print(float((got - expected).abs().max()))
"""
    assert float(output_of(program)) < 1e-5


def test_static_mode(left_to_paddle):
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program()):
            y = conv2d(paddle.static.data("x", [2, 4, 6, 6]), paddle.static.data("w", [4, 4, 3, 3]))
            assert list(y.shape) == [2, 4, 4, 4]
    finally:
        paddle.disable_static()
    assert left_to_paddle


# Whether oneDNN is there.


@pytest.fixture
def asked_anew():
    """availability() is remembered: forget before the test what holds, and after it what held there."""
    availability.cache_clear()
    yield
    availability.cache_clear()


def test_availability_says_the_version():
    assert availability().sentence.startswith("convolutions run through oneDNN 3.")


def test_no_library(monkeypatch, asked_anew, left_to_paddle):
    monkeypatch.setattr(library, "FILE_NAMES", ())
    assert availability().sentence == "this build of Paddle holds no oneDNN library (macOS builds have none)"
    own = F.conv2d
    with fast_convolutions() as available:
        assert not available
        assert F.conv2d is own
    same(conv2d(**unlike()), F.conv2d(**unlike()))
    assert left_to_paddle


def test_a_library_that_does_not_load(monkeypatch, asked_anew, tmp_path):
    (tmp_path / "libdnnl.so").write_text("no library", encoding="utf-8")
    monkeypatch.setattr(library, "_path", lambda: tmp_path / "libdnnl.so")
    assert "does not load" in availability().sentence


@pytest.mark.parametrize(
    ("version", "instructions", "sentence"),
    [
        ((2, 7, 0), 0b111, "Paddle holds oneDNN 2.7, and this is written for 3"),
        ((3, 6, 2), 0b011, "this processor has no AVX2, without which oneDNN is slower than Paddle"),
        ((3, 6, 2), 0b111, "convolutions run through oneDNN 3.6.2"),
    ],
)
def test_versions_and_processors(version, instructions, sentence):
    def dnnl_version():
        return version

    fake = SimpleNamespace(dnnl_version=dnnl_version, dnnl_get_effective_cpu_isa=lambda: instructions)
    assert library._judge(fake).sentence == sentence


# Products in bfloat16.


bfloat16_only = pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16")


@bfloat16_only
@given(case=cases())
@settings(max_examples=20, deadline=None)
def test_bfloat16_is_near(case):
    inputs, how = case
    got = result_and_gradients(conv2d, inputs, bfloat16=True, **how)
    for ours, theirs in zip(got, result_and_gradients(F.conv2d, inputs, **how), strict=True):
        same(ours, theirs, tolerance=0.02)


@bfloat16_only
def test_bfloat16_rounds_what_is_multiplied_and_adds_up_in_float32():
    x = paddle.full([1, 16, 1, 1], 1 + 2**-7)  # bfloat16 holds it, and neither its square nor the sum
    w = paddle.full([1, 16, 1, 1], 1 + 2**-7)
    assert conv2d(x, w, bfloat16=True).item() == 16 * (1 + 2**-7) ** 2
    assert conv2d(x + 2**-10, w, bfloat16=True).item() == 16 * (1 + 2**-7) ** 2  # too little to be held
    assert conv2d(x + 2**-10, w).item() > 16 * (1 + 2**-7) ** 2


@pytest.mark.parametrize("lacking", ["has_bfloat16", "plan_for"])
def test_bfloat16_where_there_is_none_is_float32(monkeypatch, lacking, left_to_paddle):
    inputs = [tensor(2, 3, 6, 6), tensor(4, 3, 3, 3, seed=2)]
    expected = result_and_gradients(conv2d, inputs)
    substitutes = {
        "has_bfloat16": lambda: False,
        "plan_for": lambda geometry: None if geometry.bfloat16 else plan.plan_for(geometry),
    }
    monkeypatch.setattr(convolution_module, lacking, substitutes[lacking])
    for got, wanted in zip(result_and_gradients(conv2d, inputs, bfloat16=True), expected, strict=True):
        assert np.array_equal(got, wanted)
    assert not left_to_paddle


@bfloat16_only
def test_bfloat16_inside_and_after():
    layer, x = paddle.nn.Conv2D(16, 4, 3), tensor(1, 16, 6, 6)
    with fast_convolutions():
        expected = layer(x).numpy()
        with fast_convolutions(bfloat16=True):
            near, near_too = layer(x).numpy(), F.conv2d(x, layer.weight, layer.bias).numpy()
            with fast_convolutions():
                assert np.array_equal(layer(x).numpy(), expected)
            assert np.array_equal(layer(x).numpy(), near)
        assert np.array_equal(layer(x).numpy(), expected)
    assert np.array_equal(near, near_too)
    assert not np.array_equal(near, expected)
    same(near, expected, tolerance=0.02)


# The switch.


def test_layers_and_functions_inside(monkeypatch):
    made = []
    monkeypatch.setattr(convolution_module, "attach", lambda y, *rest: made.append(list(y.shape)) or y)
    x = tensor(1, 2, 6, 6)
    layers = [
        paddle.nn.Conv2D(2, 3, 3),
        paddle.nn.Conv2D(2, 4, 3, groups=2),
        paddle.nn.Conv2D(2, 2, 1, bias_attr=False),
    ]
    with fast_convolutions():
        for layer in layers:
            layer(x)
        F.conv2d(x, layers[0].weight)
        F.conv2d(input=x, weight=layers[0].weight)
    assert made == [[1, 3, 4, 4], [1, 4, 4, 4], [1, 2, 6, 6], [1, 3, 4, 4], [1, 3, 4, 4]]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: paddle.nn.Conv2D(2, 3, 3, padding="same"), (1, 2, 6, 6)),
        (lambda: paddle.nn.Conv2D(2, 3, 3, padding=1, padding_mode="circular"), (1, 2, 6, 6)),
        (lambda: paddle.nn.Conv2D(2, 3, 3, padding=[1, 0, 2, 1]), (1, 2, 6, 6)),
        (lambda: paddle.nn.Conv2D(2, 3, 3, padding=[1, 1, 2, 2], stride=2), (1, 2, 6, 6)),
        (lambda: paddle.nn.Conv2D(2, 3, 3, data_format="NHWC"), (1, 6, 6, 2)),
        (lambda: paddle.nn.Conv1D(2, 3, 3), (1, 2, 6)),
        (lambda: paddle.nn.Conv3D(2, 3, 3), (1, 2, 6, 6, 6)),
        (lambda: paddle.nn.Conv2DTranspose(2, 3, 3), (1, 2, 6, 6)),
    ],
)
def test_other_layers_inside(layer, shape):
    layer, x = layer(), tensor(*shape)
    expected = layer(x)
    with fast_convolutions():
        same(layer(x), expected)


def names():
    return F.conv2d, F.conv._conv_nd


def test_restored_on_leaving():
    before = names()
    with contextlib.suppress(ZeroDivisionError), fast_convolutions():
        inside = names()
        with fast_convolutions():
            assert names() == inside
        assert names() == inside  # the inner one left, and the outer one holds
        raise ZeroDivisionError
    assert names() == before
    assert not set(inside) & set(before)


def test_scratch_is_given_back_on_leaving():
    with fast_convolutions():
        same(F.conv2d(**unlike()), convolution_module.paddle_conv2d(**unlike()))
        assert plan._scratch._pieces
    assert not plan._scratch._pieces
    same(conv2d(**unlike()), F.conv2d(**unlike()))


# A long life.


def test_two_threads_at_once():
    inputs = [[tensor(4, 3 + k, 12, 12, seed=k), tensor(5, 3 + k, 3, 3, seed=k)] for k in range(2)]
    expected = [result_and_gradients(conv2d, pair) for pair in inputs]
    wrong = []

    def work(k):
        for _ in range(40):
            for ours, theirs in zip(result_and_gradients(conv2d, inputs[k]), expected[k], strict=True):
                if ours.tobytes() != theirs.tobytes():
                    wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_fork_after_use(monkeypatch):
    """With two threads in the library, another thread of ours inside it, and scikit-learn, which switches forks off."""
    monkeypatch.delenv("KMP_INIT_AT_FORK", raising=False)
    program = """
import course_utils, os, sklearn, threading, paddle
from course_utils.onednn import conv2d, plan
x, w = paddle.ones([8, 16, 20, 20]), paddle.ones([16, 16, 3, 3])
conv2d(x, w)
held, done = threading.Event(), threading.Event()
def hold():
    with plan._lock:
        held.set()
        done.wait()
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    os._exit(0 if float(conv2d(x, w).max()) == 144 else 1)
done.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), float(conv2d(x, w).max()))
"""
    assert output_of(program, OMP_NUM_THREADS="2") == "0 144.0"


def test_memory_does_not_grow():
    x, w = tensor(1, 1, 4, 4), tensor(1, 1, 3, 3)

    def calls(number):
        for _ in range(number):
            conv2d(x, w).backward()
            x.clear_gradient()
            w.clear_gradient()
        return psutil.Process().memory_info().rss

    calls(500)
    assert calls(10_000) - calls(10) < 2**20


def test_plans_are_bounded_and_given_back(monkeypatch):
    monkeypatch.setattr(plan, "_plan", functools.lru_cache(2)(plan._plan.__wrapped__))
    plans = [
        weakref.ref(plan.plan_for(plan.Geometry((1, 1, size, size), (1, 1, 1, 1), (1, 1), (0, 0), (1, 1), 1, False)))
        for size in (3, 4, 5)
    ]
    assert [kept() is not None for kept in plans] == [False, True, True]


def test_every_plan_is_freed(monkeypatch):
    """What the library made is destroyed, so that a thousand batch sizes do not fill the memory."""
    made, destroyed = [], []
    original = library.Handle.__init__

    def counted(handle, create, destroy, *arguments):
        made.append(destroy)
        original(handle, create, lambda pointer: (destroyed.append(destroy), destroy(pointer)), *arguments)

    monkeypatch.setattr(library.Handle, "__init__", counted)
    plan.Plan(plan.Geometry((2, 5, 7, 9), (3, 5, 3, 3), (1, 1), (1, 1), (1, 1), 1, True))
    assert len(made) > 10
    assert len(destroyed) == len(made)


def test_training_ends_as_with_paddle():
    data = datasets.digits()
    intervals = []
    for way in (contextlib.nullcontext, fast_convolutions):
        paddle.seed(0)
        net = LeNet5()
        trainer = Trainer(
            net,
            paddle.optimizer.Adam(0.002, parameters=net.parameters()),
            prepare=lambda images: F.pad(images.astype("float32") / 255, [2, 2, 2, 2]),
            report=None,
        )
        with way():
            trainer.fit(data.train.take(1024), epochs=3)
            result = trainer.evaluate(data.test.take(360))
        intervals.append(metrics.wilson_interval(result.correct, result.total))
    (low, high), (other_low, other_high) = intervals
    assert low > 0.7
    assert max(low, other_low) < min(high, other_high)
