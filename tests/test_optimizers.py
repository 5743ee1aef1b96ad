"""Ten update rules by hand against paddle.optimizer, step by step, and what makes each what it is."""

import inspect

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import optimizers, recipes
from course_utils.optimizers import RULES, descend

PADDLE = {
    "SGD": paddle.optimizer.SGD,
    "Momentum": paddle.optimizer.Momentum,
    "Nesterov": lambda *a, **k: paddle.optimizer.Momentum(*a, use_nesterov=True, **k),
    "Adagrad": paddle.optimizer.Adagrad,
    "Adadelta": paddle.optimizer.Adadelta,
    "RMSProp": paddle.optimizer.RMSProp,
    "Adam": paddle.optimizer.Adam,
    "Adamax": paddle.optimizer.Adamax,
    "AdamW": paddle.optimizer.AdamW,
    "NAdam": paddle.optimizer.NAdam,
}
TOLERANCE = 1e-6  # Paddle keeps some constants, such as 0.9, in float32, also for float64 weights


def native_path(name, start, gradients, lr, decay):
    """Paddle's path [steps + 1, *shape] on these gradients. lr: a number or a function that makes a scheduler."""
    w = paddle.to_tensor(start, stop_gradient=False)
    rate = lr() if callable(lr) else lr
    optimizer = PADDLE[name](rate, parameters=[w], weight_decay=decay)
    path = [start]
    for g in gradients:
        w.grad = None
        (w * paddle.to_tensor(g)).sum().backward()
        optimizer.step()
        if callable(lr):
            rate.step()
        path.append(w.numpy().copy())
    return np.array(path)


def our_path(name, start, gradients, lr, decay):
    each = iter(gradients)
    if callable(lr):
        rates, scheduler = [], lr()
        for _ in gradients:
            rates.append(scheduler())
            scheduler.step()
        lr = rates.__getitem__
    decays = {"weight_decay": decay} if name == "AdamW" else {"l2": decay}
    return descend(RULES[name], lambda w: next(each), start, lr, len(gradients), **decays)


def off(ours, theirs):
    """The largest difference, relative to the longest way that a weight went."""
    return np.abs(ours - theirs).max() / np.abs(theirs - theirs[0]).max()


LRS = {
    "a constant": 0.02,
    "steps": lambda: paddle.optimizer.lr.StepDecay(0.05, step_size=30, gamma=0.3),
    "one cycle": lambda: recipes.one_cycle(0.05, steps=101),
    "cosine": lambda: recipes.cosine(0.05, steps=100, warm_up=10),
}


@pytest.mark.parametrize("decay", [0.0, 0.05])
@pytest.mark.parametrize("lr", LRS.values(), ids=LRS)
@pytest.mark.parametrize("name", RULES)
def test_a_hundred_steps_equal_paddles(name, lr, decay):
    rng = np.random.default_rng(5)
    start, gradients = rng.normal(size=(3, 4)), rng.normal(0.3, 1, (100, 3, 4))
    ours, theirs = (path(name, start, gradients, lr, decay) for path in (our_path, native_path))
    assert ours.shape == (101, 3, 4)
    assert off(ours, theirs) <= TOLERANCE


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(list(RULES)),
    st.integers(0, 999),
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.sampled_from([1e-4, 1e-2, 1.0, 100.0]),
    st.sampled_from([1e-3, 0.1]),
)
def test_any_shape_and_size_of_gradients_equal_paddles(name, seed, shape, size, lr):
    rng = np.random.default_rng(seed)
    start, gradients = rng.normal(size=shape), size * rng.normal(size=(15, *shape))
    assert off(*(path(name, start, gradients, lr, 0.0) for path in (our_path, native_path))) <= TOLERANCE


@pytest.mark.parametrize("name", RULES)
def test_float32_equals_paddles_too(name):
    rng = np.random.default_rng(1)
    start, gradients = np.zeros(6, np.float32), rng.normal(size=(100, 6)).astype(np.float32)
    lr = 1.0 if name == "Adadelta" else 0.02
    ours, theirs = (path(name, start, gradients, lr, 0.0) for path in (our_path, native_path))
    assert ours.dtype == theirs.dtype == np.float32
    assert off(ours, theirs) <= 1e-5


@pytest.mark.parametrize(("name", "rule"), RULES.items())
def test_the_defaults_are_paddles_but_for_rates(name, rule):
    """Adadelta's rate is the paper's 1; the others' are tuned whenever they are used."""
    theirs = {"mu": "momentum", "eps": "epsilon", "psi": "momentum_decay"}
    native = inspect.signature(paddle.optimizer.Momentum if name == "Nesterov" else PADDLE[name]).parameters
    for key, parameter in inspect.signature(rule).parameters.items():
        if key not in ("w", "g", "state", "lr"):
            assert parameter.default == native[theirs.get(key, key)].default


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_step_changes_neither_weights_nor_gradient_nor_state(rule):
    w, g = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    after, state = rule(w, g, None, lr=0.1)
    kept = [np.copy(part) for part in state or ()]
    rule(after, g, state, lr=0.1)
    assert w.tolist() == [1, -2]
    assert g.tolist() == [0.5, 3]
    assert all(np.array_equal(*pair) for pair in zip(kept, state or (), strict=True))


def test_the_forms_that_are_not_paddles_are_seen():
    """Each docstring says where Paddle leaves the paper; there the paper's form misses Paddle's path."""
    rng = np.random.default_rng(2)
    gradients = 0.01 * rng.normal(0.3, 1, (50, 4))

    def outside(w, g, state, lr, rho=0.95, eps=1e-6):  # RMSProp, eps outside the root
        s = rho * (state or (0,))[0] + (1 - rho) * g**2
        return w - lr * g / (np.sqrt(s) + eps), (s,)

    def scheduled(w, g, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):  # Dozat's NAdam
        t, m, n, product = state or (0, 0, 0, 1.0)
        t, mu, ahead = t + 1, *(beta1 * (1 - 0.5 * 0.96 ** (k / 250)) for k in (t + 1, t + 2))
        m, n, product = mu * m + (1 - mu) * g, beta2 * n + (1 - beta2) * g**2, product * mu
        m_hat = ahead * m / (1 - product * ahead) + (1 - mu) * g / (1 - product)
        return w - lr * m_hat / (np.sqrt(beta2 * n / (1 - beta2**t)) + eps), (t, m, n, product)

    def in_velocity(w, g, state, lr, mu=0.9):  # the rate inside the velocity
        v = mu * (state or (0,))[0] - lr * g
        return w + v, (v,)

    falling = lambda: paddle.optimizer.lr.StepDecay(0.05, step_size=20, gamma=0.1)  # noqa: E731
    for name, rule, lr in (("RMSProp", outside, 0.05), ("NAdam", scheduled, 0.05), ("Momentum", in_velocity, falling)):
        theirs, each = native_path(name, np.zeros(4), gradients, lr, 0.0), iter(gradients)
        rates = (lambda t: 0.05 * 0.1 ** (t // 20)) if callable(lr) else lr
        assert off(descend(rule, lambda w, each=each: next(each), np.zeros(4), rates, 50), theirs) > 1e-4
        assert off(our_path(name, np.zeros(4), gradients, lr, 0.0), theirs) <= TOLERANCE


def test_adamax_waits_for_a_first_gradient_and_creeps_after_the_last():
    """0 / 0 in the paper's form; Paddle's eps, inside the maximum, decides where it goes on."""
    gradients = np.zeros((50, 2))
    gradients[2, 0] = 1e-9
    with np.errstate(all="raise"):
        ours = our_path("Adamax", np.zeros(2), gradients, 0.1, 0.0)
    assert ours[:3].tolist() == [[0, 0]] * 3
    assert ours[-1, 1] == 0
    assert off(ours, native_path("Adamax", np.zeros(2), gradients, 0.1, 0.0)) <= TOLERANCE


def test_nesterovs_place_ahead_is_the_papers():
    hill = optimizers.ravine(10)
    start, lr, mu = np.array(hill.start), 0.02, 0.9
    ours = descend(optimizers.nesterov, hill.gradient, start, lr, 40, mu=mu)
    theta, v = start, np.zeros(2)  # Sutskever et al., equations 3 and 4
    for k in range(41):
        assert np.allclose(ours[k], theta + mu * v, rtol=0, atol=1e-12)
        v = mu * v - lr * hill.gradient(theta + mu * v)
        theta = theta + v


def test_a_steady_gradient_makes_momentum_ten_times_as_fast():
    path = descend(optimizers.momentum, np.ones_like, np.zeros(1), 0.01, 200)
    assert path[-2, 0] - path[-1, 0] == pytest.approx(0.01 / (1 - 0.9))


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_adams_first_step_is_the_rate_whatever_the_gradient(size):
    for rule in (optimizers.adam, optimizers.adamax):
        w, _ = rule(np.zeros(2), np.array([size, -3 * size]), None, lr=0.01)
        assert w == pytest.approx([-0.01, 0.01], rel=1e-4)


def test_adamw_shrinks_all_weights_alike_and_adam_with_l2_does_not():
    start, slopes = np.array([1.0, 1.0]), np.array([0.001, 1000.0])
    noise = np.random.default_rng(0).choice([-1, 1], (300, 1)) * slopes

    def ends(**decay):
        each = iter(noise)
        rule = optimizers.adamw if "weight_decay" in decay else optimizers.adam
        return descend(rule, lambda w: next(each), start, 1e-3, 300, **decay)[-1]

    plain, decoupled, coupled = ends(), ends(weight_decay=1.0), ends(l2=0.01)
    assert decoupled[0] - plain[0] == pytest.approx(decoupled[1] - plain[1], rel=1e-3)
    assert plain[0] - coupled[0] > 100 * abs(plain[1] - coupled[1])


def test_a_sweep_is_one_descent():
    hill, rates = optimizers.ravine(), np.array([[0.01], [0.07], [0.5]])
    sweep = descend(optimizers.momentum, hill.gradient, np.tile(hill.start, (3, 1)), rates, 100)
    assert sweep.shape == (101, 3, 2)
    for column, rate in enumerate(rates[:, 0]):
        alone = descend(optimizers.momentum, hill.gradient, hill.start, rate, 100)
        assert np.allclose(sweep[:, column], alone, rtol=1e-12, atol=0, equal_nan=True)
    assert np.isnan(sweep[-1, 2]).any()  # 0.5 is far beyond what momentum bears
    assert not np.isnan(sweep[:, :2]).any()


def test_steps_until_losses_stay_below_a_bar():
    losses = np.array([[9, 9, 0, 9], [1, 9, 0, 0], [2, 9, 0, np.nan], [0, 9, 0, np.nan]])
    assert optimizers.steps_until(losses, 1).tolist() == [3, np.inf, 0, np.inf]


@pytest.mark.parametrize("land", [optimizers.ravine(), optimizers.ravine(50, angle=30), optimizers.saddle()])
def test_landscapes_slope_as_they_rise(land):
    places = np.random.default_rng(3).uniform(-2, 2, (50, 2))
    for axis in range(2):
        step = 1e-6 * np.eye(2)[axis]
        slope = (land.value(places + step) - land.value(places - step)) / 2e-6
        assert np.allclose(slope, land.gradient(places)[:, axis], atol=1e-6)
    assert land.value(places).min() > land.lowest
    assert land.value(np.array(land.start)) > land.lowest


def test_where_landscapes_are_lowest():
    assert optimizers.ravine().value(np.zeros(2)) == optimizers.ravine().lowest
    hill, ends = optimizers.saddle(), np.array([[0.0, 6**0.5], [0.0, -(6**0.5)]])
    assert hill.value(ends) == pytest.approx([hill.lowest] * 2)
    assert np.allclose(hill.gradient(ends), 0)
    assert hill.gradient(np.zeros(2)).tolist() == [0, 0]
    assert descend(optimizers.sgd, hill.gradient, (-3, 0), 0.1, 300)[-1] == pytest.approx([0, 0])  # stays on the line
    plain, turned = optimizers.ravine(40, angle=0), optimizers.ravine(40, angle=90)
    assert turned.value(np.array([2.0, 3.0])) == pytest.approx(plain.value(np.array([3.0, -2.0])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: descend(optimizers.sgd, np.ones_like, np.ones(2), 0.1, 0), "0 steps are no descent: use 1 or more"),
        (lambda: descend(optimizers.sgd, np.ones_like, np.ones(2), -0.1, 3), "the rate -0.1 at step 0 climbs"),
        (lambda: descend(optimizers.sgd, np.ones_like, np.ones(2), lambda t: 1 - t, 3), "the rate -1 at step 2"),
        (lambda: descend(optimizers.sgd, lambda w: 1.0, np.ones(2), 0.1, 3), r"the gradient is \[\] for weights \[2\]"),
        (lambda: optimizers.ravine(0.5), "a ravine of steepness 0.5 is none: use 1 or more"),
        (lambda: optimizers.saddle(0), "a saddle of steepness 0 has no valley"),
    ],
)
def test_wrong_arguments_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
