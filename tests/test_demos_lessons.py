"""Five demos: what they compute is right, what their questions claim is so, and each picture says it large enough."""

import dataclasses
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from course_utils import results
from course_utils.demos import batch_norm, dropout, gallery, optimizer_race, residual, screening_threshold
from course_utils.demos.stage import big_style, stage
from course_utils.errors import CourseError
from course_utils.ops.dropout import MODES
from course_utils.optimizers import RULES, descend
from course_utils.plotting.classroom import classroom_axes, power_of_ten
from course_utils.screening import predictive_values

NAMES = ["optimizer_race", "batch_norm", "dropout", "residual", "screening_threshold"]


@pytest.fixture(scope="module")
def demos():
    return {name: gallery.build(name) for name in NAMES}


def message(figure):
    return figure.get_suptitle().replace("\n", " ")


# -- all five ----------------------------------------------------------------------------------------------------------


def another(control):
    """A value that the control can take and does not have."""
    if isinstance(control.value, bool) and not hasattr(control, "options"):
        return not control.value
    options = getattr(control, "_options_full", None)
    values = [value for _, value in options] if options else [control.min, control.max]
    return next(value for value in values[::-1] if value != control.value)


@pytest.fixture
def small_pictures(monkeypatch):
    """Fewer pixels, so that many pictures take little time."""
    monkeypatch.setattr("course_utils.demos.stage.WIDTH", 400)


@pytest.mark.parametrize("name", NAMES)
def test_presets_and_controls_move_the_picture_and_reset_brings_it_back(demos, name, small_pictures):
    demo = demos[name]
    assert len(demo.presets) >= 3
    on_stage = stage(demo)
    first = on_stage.picture.value
    pictures = {first}
    for button in on_stage.presets.values():
        button.click()
        assert on_stage.message.value == ""
        pictures.add(on_stage.picture.value)
    assert len(pictures) >= len(demo.presets)
    on_stage.reset.click()
    assert on_stage.picture.value == first
    start = {key: control.value for key, control in demo.controls.items()}
    for key, control in demo.controls.items():
        on_stage.set(**start | {key: another(control)})
        assert on_stage.picture.value != first, key
        assert on_stage.message.value == ""
    on_stage.reset.click()


@pytest.mark.parametrize("name", NAMES)
def test_letters_are_large_and_none_leaves_the_picture(demos, name):
    start = {key: control.value for key, control in demos[name].controls.items()}
    for values in ({}, *demos[name].presets.values()):
        with plt.rc_context(big_style()):
            figure = demos[name].draw(**start | dict(values))
            box = figure.get_tightbbox()  # inches
        sizes = {text.get_text(): text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
        assert min(sizes.values()) >= 14, sizes
        assert list(figure.get_size_inches()) == [10, 5.6]
        assert min(box.x0, box.y0) > -0.01
        assert box.x1 < 10.01
        assert box.y1 < 5.61
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_costs_little(demos, name):
    """Processor time, so that a busy machine changes nothing; the best of three, six times what a redraw may take."""
    values = {key: control.value for key, control in demos[name].controls.items()}
    spent = []
    for _ in range(3):
        began = time.process_time()
        demos[name].draw(**values).canvas.draw()
        spent.append(time.process_time() - began)
    assert min(spent) < 0.9


def test_a_long_message_takes_two_lines_and_its_room():
    figure, axes = classroom_axes("word " * 60, "ab;cc", width_ratios=[1, 2])
    assert figure.get_suptitle().count("\n") == 1
    assert sorted(axes) == ["a", "b", "c"]
    lower, _ = classroom_axes("short", "a")
    assert axes["a"].get_position().y1 < lower.axes[0].get_position().y1


def test_powers_are_written_in_plain_letters():
    assert [power_of_ten(k) for k in (-12, 0, 1, 3)] == ["10⁻¹²", "1", "10¹", "10³"]


# -- optimizer race ----------------------------------------------------------------------------------------------------


def test_a_best_rate_is_the_first_home_of_the_fifteen():
    land = optimizer_race.LANDS["ravine"]
    best = optimizer_race.best_rate("ravine", "SGD")
    path, left = optimizer_race.race("ravine", "SGD", 1.0)
    assert np.array_equal(path, descend(RULES["SGD"], land.gradient, land.start, best, optimizer_race.STEPS))
    assert left[0] == 1
    assert left[-1] < optimizer_race.race("ravine", "SGD", 0.5)[1][-1]


def test_at_twice_its_best_rate_nesterov_is_thrown_out_as_its_bound_says():
    """The answer to the class: across the ravine, of curvature 50, each rule bears rates below a bound of its own."""
    land, mu = optimizer_race.LANDS["ravine"], 0.9
    bounds = {"SGD": 2 / 50, "Momentum": 2 * (1 + mu) / 50, "Nesterov": 2 * (1 + mu) / (1 + 2 * mu) / 50}
    for rule, bound in bounds.items():
        for rate, arrives in ((0.97 * bound, True), (1.03 * bound, False)):
            path = descend(RULES[rule], land.gradient, land.start, rate, 2000)
            assert (land.value(path[-1]) < 1e-3) == arrives, (rule, rate)
    assert "Nesterov is higher than at the start" in message(optimizer_race.draw(multiple=2.0, step=20))


def test_the_race_names_its_leader_and_its_start():
    assert message(optimizer_race.draw(step=0)).startswith("At the start")
    assert message(optimizer_race.draw(rules=("SGD", "Nesterov"), step=40)).startswith("After 40 steps Nesterov leads")
    gone = message(optimizer_race.draw(rules=("SGD", "Nesterov"), multiple=8.0, step=30))
    assert gone == "SGD, Nesterov are higher than at the start"
    assert message(optimizer_race.draw("saddle", ("SGD", "Nesterov", "Adamax"), step=18)).startswith(
        "After 18 steps Adamax"
    )
    assert "less than 0.001 %" in message(optimizer_race.draw("saddle", ("Adagrad",), step=60))


def test_a_race_needs_one_to_seven(demos):
    with pytest.raises(ValueError, match="0 optimizers are chosen: choose 1 to 7"):
        optimizer_race.draw(rules=())
    on_stage = stage(demos["optimizer_race"])
    picture = on_stage.picture.value
    on_stage.set(**dict.fromkeys(optimizer_race.RACERS, True))
    assert "choose 1 to 7" in on_stage.message.value
    assert on_stage.picture.value == picture
    on_stage.reset.click()


# -- batch normalization -----------------------------------------------------------------------------------------------


def test_the_gradient_of_the_small_net_is_the_slope_of_its_loss():
    places, arms = batch_norm.points(12, seed=0)
    for norm in (False, True):
        net = batch_norm._Net(np.random.default_rng(0), norm)

        def loss(net=net):
            return np.logaddexp(0, -arms[:, None] * net.forward(places, training=True)).mean(axis=(1, 2))

        h = 1e-6
        for layer in (0, 2, batch_norm.LAYERS):
            net.w[layer][:, 1, 0] += h
            above = loss()
            net.w[layer][:, 1, 0] -= 2 * h
            slope = (above - loss()) / (2 * h)  # [rates]
            net.w[layer][:, 1, 0] += h
            before = net.w[layer].copy()
            margin = arms[:, None] * net.forward(places, training=True)
            kept = [w.copy() for w in net.w], [b.copy() for b in net.b], list(net.norms)
            net.step(-arms[:, None] / (1 + np.exp(margin)) / len(arms), np.ones((len(batch_norm.RATES), 1, 1)))
            assert (before - net.w[layer])[:, 1, 0] == pytest.approx(slope, rel=1e-4, abs=1e-8)
            net.w, net.b, net.norms = kept


@pytest.mark.parametrize("seed", range(3))
def test_batch_norm_bears_rates_that_the_plain_net_does_not_except_in_batches_of_two(seed):
    slow, fast = batch_norm.RATES.index(0.01), batch_norm.RATES.index(3.0)
    plain, normed = (batch_norm.train(128, norm, seed).accuracy for norm in (False, True))
    assert normed[slow] > plain[slow] + 0.05
    assert normed[fast] > np.nan_to_num(plain[fast]) + 0.2
    plain, normed = (batch_norm.train(2, norm, seed).accuracy for norm in (False, True))
    assert normed[:4].mean() < plain[:4].mean()


def test_what_diverges_is_said_so():
    figures = {nets: message(batch_norm.draw(30.0, 8, nets)) for nets in ("both", "with", "without")}
    assert figures["without"] == "Rate 30, batches of 8: diverged without"
    assert "with BatchNorm" in figures["with"]
    assert "without" not in figures["with"]
    assert figures["both"].endswith(", diverged without")


# -- dropout -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 0.9])
def test_many_masks_come_to_what_evaluation_gives_unless_the_modes_are_mixed(p):
    for mode in (*MODES, dropout.MIXED):
        trained, used = dropout.outputs(p, mode)
        spread = np.sqrt(p / (1 - p) / trained[:, 0, 0].size / dropout.VALUES.size)  # of the mean, relative
        factor = 1 - p if mode == dropout.MIXED else 1
        assert trained.mean() == pytest.approx(factor * used.mean(), rel=5 * spread + 1e-12)


def test_a_dropped_neuron_has_a_cross_and_the_mean_so_far_is_drawn():
    figure = dropout.draw(0.5, MODES[0], draws=20)
    trained, used = dropout.outputs(0.5, MODES[0])
    first, _, _, curve = figure.axes
    crosses = [line for line in first.lines if line.get_marker() == "x"]
    assert len(crosses) == (trained[19] == 0).sum()
    expected = trained[(slice(20), *dropout.WATCHED)].mean()
    assert curve.lines[1].get_ydata()[-1] == pytest.approx(expected)
    assert message(figure) == f"Mean over 20 masks: {expected:.2f} in training; evaluation gives {used[2, 3]:.2f}"


# -- residual ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shortcuts", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_the_gradient_along_the_net_equals_paddles(shortcuts, norm):
    import paddle

    generator = np.random.default_rng(0)
    x, slope = generator.normal(size=(2, residual.BATCH, residual.WIDTH))
    weights = np.sqrt(2 / residual.WIDTH) * generator.normal(
        size=(residual.DEEPEST // 2, 2, residual.WIDTH, residual.WIDTH)
    )

    def normed(z):
        if not norm:
            return z
        mean = z.mean(axis=0, keepdim=True)
        return (z - mean) / paddle.sqrt(((z - mean) ** 2).mean(axis=0, keepdim=True) + 1e-5)

    start = h = paddle.to_tensor(x, stop_gradient=False)
    for w1, w2 in weights[:3]:
        inner = normed(paddle.nn.functional.relu(normed(h @ paddle.to_tensor(w1))) @ paddle.to_tensor(w2))
        h = paddle.nn.functional.relu(inner + h if shortcuts else inner)
    (h * paddle.to_tensor(slope)).sum().backward()
    signal, gradient = residual._there_and_back(3, 1.0, shortcuts, norm, seed=0)
    assert signal[-1] == pytest.approx(h.numpy().std())
    assert gradient[0] == pytest.approx(np.linalg.norm(start.grad.numpy()))
    assert gradient[-1] == pytest.approx(np.linalg.norm(slope))


def test_the_claims_for_the_class_hold():
    plain, wired = (residual.journey(40, 0.8, shortcuts, False) for shortcuts in (False, True))
    assert plain.gradient[0] == pytest.approx(0.8**40, rel=1)  # the estimate that the class makes: within a factor of 2
    assert wired.gradient[0] > 1
    growing = residual.journey(40, 1.2, True, False)
    assert growing.signal[-1] > 1e3
    tamed = residual.journey(40, 1.2, True, True)
    assert tamed.signal[-1] < 10
    assert residual.journey(40, 0.5, False, True).gradient[0] > 100  # BatchNorm alone: explodes instead


def test_an_odd_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="7 layers do not make units of two"):
        residual.draw(layers=7)


def test_one_net_can_be_shown_alone():
    figure = residual.draw(shortcuts="with")
    assert "without" not in message(figure)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["with shortcuts"]


# -- screening threshold -----------------------------------------------------------------------------------------------


def test_prevalence_changes_what_a_result_means_and_not_the_test():
    study = screening_threshold.Study(np.r_[np.zeros(90), np.ones(110)], np.r_[np.zeros(100), np.ones(100)], "made up")
    figure = screening_threshold.draw(0.5, 0.01, study)
    ppv, _ = predictive_values(1.0, 0.9, 0.01)
    widths = [patch.get_width() for patch in figure.axes[1].patches]
    assert widths[:3] == pytest.approx([1.0, 0.9, ppv])
    assert message(figure) == "Of 1,000 people 10 are ill: 10 found, 0 missed; 99 healthy called in"
    common = screening_threshold.draw(0.5, 0.5, study)
    widths = [patch.get_width() for patch in common.axes[1].patches]
    assert widths[:2] == pytest.approx([1.0, 0.9])
    assert widths[2] > 0.9


def test_where_nobody_is_called_in_no_share_is_made_up():
    texts = [text.get_text() for text in screening_threshold.draw(50.0, 0.1).axes[1].texts]
    assert texts[2] == "nobody of those called in are ill"


def test_a_missing_study_is_replaced_by_scores_that_say_they_are_generated(monkeypatch):
    real = screening_threshold.stored_study()
    assert "397 real photographs" in real.source

    def missing(name):
        raise CourseError(f"{name} is missing")

    monkeypatch.setattr(results, "stored", missing)
    screening_threshold.stored_study.cache_clear()
    try:
        generated = screening_threshold.stored_study()
        assert "generated" in generated.source
        figure = screening_threshold.draw()
        assert any("generated" in text.get_text() for text in figure.texts)
    finally:
        monkeypatch.undo()
        screening_threshold.stored_study.cache_clear()


def test_a_demos_text_comes_from_its_card(demos):
    for name, demo in demos.items():
        shown = dataclasses.asdict(gallery.card(name))
        assert (demo.title, demo.question) == (shown["title"], shown["question"])
