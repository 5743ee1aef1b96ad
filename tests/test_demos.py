"""The classroom demos without a browser: each builds, every control and preset moves the picture, nothing piles up."""

import asyncio
import gc
import io
import re
import weakref
from datetime import datetime, timezone
from functools import cache

import ipywidgets as widgets
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import psutil
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from course_utils.arithmetic import conv_output_size
from course_utils.demos import convolution_stepper, digit_net, kernel_editor, receptive_field, show, speed_race
from course_utils.demos import stage as stages
from course_utils.demos.draw_digit import rasterise
from course_utils.demos.gallery import GALLERY, build, card, words
from course_utils.demos.stage import Demo, big_style, open_alone, stage, warm_up
from course_utils.errors import CourseError

NAMES = [each.name for each in GALLERY]
MODIFIED = datetime(2026, 1, 1, tzinfo=timezone.utc)
SHOWN = 1400  # pixels of a demo's picture on a projector of 1920x1080


@cache
def staged(name):
    return stage(build(name))


@pytest.fixture(params=["agg", "module://matplotlib_inline.backend_inline"])
def backend(request):
    """Matplotlib as a script has it, and as a notebook's kernel."""
    with matplotlib.rc_context():
        plt.switch_backend(request.param)
        plt.interactive(request.param != "agg")
        yield
        plt.switch_backend("agg")


@pytest.fixture
def small(monkeypatch):
    """Pictures of few pixels, drawn fast."""
    monkeypatch.setattr(stages, "WIDTH", 300)
    monkeypatch.setattr(stages, "HEIGHT", 200)


@pytest.fixture
def on_stage(request, small):
    """A demo as it stands after a reset: building it anew would train nets again."""
    found = staged(request.param)
    found.reset.click()
    return found


def png(width=40, height=30):
    file = io.BytesIO()
    Image.effect_noise((width, height), 60).save(file, "PNG")
    return file.getvalue()


def uploaded(content, name="mine.png"):
    return (
        {"name": name, "content": memoryview(content), "type": "", "size": len(content), "last_modified": MODIFIED},
    )


def others(control):
    """Values that differ from the control's."""
    if isinstance(control, widgets.FileUpload):
        return [uploaded(png())]
    if isinstance(control, widgets.SelectMultiple):
        return [(option,) for option in control.options]
    if hasattr(control, "options"):
        options = [option[1] if isinstance(option, tuple) else option for option in control.options]
        return [option for option in options if option != control.value]
    if isinstance(control.value, bool):
        return [not control.value]
    if isinstance(control.value, bytes):
        return [rasterise([[(14, 5), (14, 22)]]).tobytes()]
    step = getattr(control, "step", None) or 1
    values = [control.value + step, control.value - step, control.value + 3 * step]
    return [value for value in values if getattr(control, "min", value) <= value <= getattr(control, "max", value)]


@pytest.mark.parametrize("on_stage", NAMES, indirect=True)
class TestEveryDemo:
    def test_says_what_its_card_says(self, on_stage):
        demo = on_stage.demo
        assert words(demo.name) == {key: getattr(demo, key) for key in words(demo.name)}
        assert demo.sentence.endswith((".", "?"))
        assert "?" in demo.question
        assert len(demo.answer) > 20
        assert demo.presets

    def test_a_control_that_moves_changes_the_picture(self, on_stage):
        for name, control in on_stage.demo.controls.items():
            assert any(self.moves(on_stage, control, preset) for preset in (None, *on_stage.presets.values())), name

    def moves(self, on_stage, control, preset):
        """Whether some value changes the picture, after a reset and perhaps a preset: a stride of 1 hides others."""
        on_stage.reset.click()
        if preset:
            preset.click()
        before = on_stage.picture.value
        for value in others(control):
            control.value = value
            if on_stage.picture.value != before and not on_stage.message.value:
                return True
        return False

    def test_a_preset_sets_what_it_names_and_reset_restores(self, on_stage):
        first = on_stage.picture.value
        seen = {first}
        for label, button in on_stage.presets.items():
            on_stage.reset.click()
            assert on_stage.picture.value == first, label
            button.click()
            assert on_stage.message.value == "", label
            assert all(on_stage.demo.controls[name].value == v for name, v in on_stage.demo.presets[label].items())
            seen.add(on_stage.picture.value)
        assert len(seen) >= len(on_stage.presets), "presets differ, and one of them may be the start"

    def test_the_back_row_can_read_it(self, on_stage):
        with matplotlib.rc_context(big_style()):
            figure = on_stage.demo.draw(**{name: control.value for name, control in on_stage.demo.controls.items()})
            scale = SHOWN / figure.get_size_inches()[0] / 72  # pixels on the projector for a point
            texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
        small = {text.get_text(): text.get_size() * scale for text in texts if text.get_size() * scale < 20}
        plt.close(figure)
        assert texts
        assert small == {}


def simple(**options):
    """A demo that costs nothing."""

    def draw(a, b):
        if a > 9:
            raise ValueError("a is 10:\n  move it left")
        figure = plt.figure(figsize=(1, 1), layout="none")
        figure.text(0, 0, f"{a} {b}")
        return figure

    given = {"controls": {"a": widgets.IntSlider(1, max=10), "b": widgets.IntSlider(2)}, "draw": draw}
    return Demo(name="x", title="A <T>", sentence="See.", chapter="01", **{**given, **options})


@pytest.mark.usefixtures("small")
class TestStage:
    def test_an_error_is_one_sentence_and_the_picture_stays(self):
        shown = stage(simple())
        before = shown.picture.value
        shown.demo.controls["a"].value = 10
        assert shown.message.value == '<p role="alert">a is 10: move it left</p>'
        assert shown.picture.value == before
        assert plt.get_fignums() == []
        shown.demo.controls["a"].value = 9
        assert shown.message.value == ""
        assert shown.picture.value != before

    def test_an_error_without_words_is_named(self):
        def draw(a, b):
            raise ZeroDivisionError

        assert "ZeroDivisionError" in stage(simple(draw=draw)).message.value

    def test_text_is_text_and_the_answer_is_folded(self):
        page = "".join(w.value for w in walk(stage(simple(question="a < b?", answer="yes"))) if type(w) is widgets.HTML)
        assert "A &lt;T&gt;" in page
        assert re.search(r"<details><summary>.*Ask the class:.* a &lt; b\?</summary><p>yes</p></details>", page)
        page = "".join(w.value for w in walk(stage(simple())) if type(w) is widgets.HTML)
        assert "<details>" not in page

    def test_a_preset_for_no_control_is_refused(self):
        with pytest.raises(ValueError, match=r"preset 'P' sets \['c'\]: the controls are \['a', 'b'\]"):
            stage(simple(presets={"P": {"c": 1}}))

    def test_a_demo_is_shown_or_what_is_missing_told(self, monkeypatch):
        monkeypatch.setattr(stages, "build", lambda name: simple(question=name))
        shown = open_alone("x?")
        assert shown.demo.question == "x?"
        assert gc.get_freeze_count() > 0
        gc.unfreeze()
        for value in range(2, 9):
            shown.demo.controls["a"].value = value
        assert sum(isinstance(each, Figure) for each in gc.get_objects()) <= 1, "figures pile up"
        monkeypatch.setattr(stages, "build", card)
        shown = open_alone("dropuot")
        assert '<p role="alert">no demo is called &#x27;dropuot&#x27;: did you mean dropout?</p>' in shown.value
        assert "course-message" in shown._dom_classes

    def test_warm_up_draws_a_demo_and_shows_nothing(self, monkeypatch):
        drawn = []
        monkeypatch.setattr(stages, "_jpeg", lambda figure: drawn.append(type(figure)))
        monkeypatch.setattr(stages, "Stage", None)
        warm_up()
        assert drawn == [Figure]
        assert plt.get_fignums() == []

    def test_events_that_come_together_draw_once(self):
        drawn = []
        demo = simple()

        def draw(a, b):
            drawn.append((a, b))
            return demo.draw(a, b)

        shown = stage(simple(controls=demo.controls, draw=draw, presets={"P": {"a": 3, "b": 4}}))

        async def drag():
            for value in range(2, 9):
                demo.controls["a"].value = value
            await asyncio.sleep(stages.WAIT * 3)

        asyncio.run(drag())
        assert drawn == [(1, 2), (8, 2)]
        shown.presets["P"].click()
        assert drawn[2:] == [(3, 4)]

    def test_200_updates_leave_nothing_behind(self, backend):
        figures = weakref.WeakSet()
        demo = simple()

        def draw(a, b):
            figure = demo.draw(a % 9, b)
            figures.add(figure)
            return figure

        shown = stage(simple(draw=draw, controls=demo.controls | {"b": widgets.IntSlider(0, max=1000)}))
        process = psutil.Process()
        for update in range(500):
            if update == 300:  # until then the allocator takes what it goes on to use
                gc.collect()
                before = process.memory_info().rss
            shown.demo.controls["b"].value = update + 1
        gc.collect()
        assert plt.get_fignums() == []
        assert len(figures) <= 1
        assert process.memory_info().rss - before < 5e6, "2,000 updates would take more than 50 MB"


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


class TestGallery:
    def test_names_are_unique_and_in_the_order_of_chapters(self):
        assert len(set(NAMES)) == len(NAMES) == 10
        chapters = [each.chapter for each in GALLERY]
        assert chapters == sorted(chapters)
        assert all(1 <= each.minutes <= 10 for each in GALLERY)

    def test_an_unknown_name_is_told_with_the_nearest(self):
        with pytest.raises(CourseError, match=r"no demo is called 'kernel-edit': did you mean kernel_editor\?"):
            card("kernel-edit")
        with pytest.raises(CourseError, match="there are kernel_editor, "):
            build("zzz")

    @pytest.mark.parametrize("each", GALLERY, ids=lambda each: each.name)
    def test_a_chapter_shows_it_and_a_page_without_a_kernel_says_so(self, each, monkeypatch):
        demo = Demo(**words(each.name), controls={}, draw=lambda: plt.figure())
        monkeypatch.setattr("course_utils.demos.gallery.build", lambda name: {each.name: demo}[name])
        text = show(each.name)._repr_mimebundle_()["text/plain"]
        assert text == f"{each.title}: open this notebook in Jupyter and run the cell to move it."


class TestKernelEditor:
    def draw(self, kernel, **options):
        cells = dict(zip(kernel_editor.CELLS, kernel_editor.KERNELS[kernel], strict=True))
        with matplotlib.rc_context(big_style()):
            return kernel_editor.draw(**cells, **options)

    def shown(self, figure, panel):
        return np.asarray(figure.axes[panel].images[0].get_array())

    def test_identity_gives_the_inner_picture(self):
        figure = self.draw("Identity")
        np.testing.assert_allclose(self.shown(figure, 2), self.shown(figure, 0)[1:-1, 1:-1])
        assert "sum to 1:" in figure._suptitle.get_text()

    def test_an_opened_picture_takes_the_photographs_place(self):
        content = png(700, 350)
        picture = self.shown(self.draw("Sobel x", upload=uploaded(content)), 0)
        assert picture.shape == (160, 320)
        assert 0 <= picture.min() < picture.max() <= 1

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"a text, and no picture", "notes.txt is no picture that can be read: open a PNG or JPEG file"),
            (png()[:300], "notes.txt is no picture that can be read"),
            (png(2, 400), "notes.txt is 2x400 pixels: a 3x3 kernel needs at least three on each side"),
        ],
    )
    def test_a_bad_file_gets_a_sentence_in_the_page(self, content, sentence):
        shown = staged("kernel_editor")
        shown.reset.click()
        shown.demo.controls["upload"].value = uploaded(content, "notes.txt")
        assert sentence in shown.message.value
        shown.reset.click()
        assert shown.message.value == ""

    @pytest.mark.parametrize("side", [7100, 14_000])
    def test_a_huge_photo_is_refused_before_it_is_decoded(self, side):
        file = io.BytesIO()
        Image.new("1", (side, side)).save(file, "PNG")
        with pytest.raises(CourseError, match=r"big\.png has more than 25 million pixels: scale it down"):
            kernel_editor.opened("big.png", file.getvalue())


class TestConvolutionStepper:
    @pytest.mark.parametrize("preset", convolution_stepper.demo().presets)
    def test_the_title_computes_the_output_size(self, preset):
        values = convolution_stepper.demo().presets[preset]
        title = convolution_stepper.draw(**values)._suptitle.get_text()
        size = conv_output_size(*(values[key] for key in ("size", "kernel", "stride", "padding", "dilation")))
        _, formula, computed = title.split(" = ")
        assert int(computed) == size
        assert eval(formula.replace("−", "-").replace("·", "*").replace("⌊", "(").replace("⌋", ")//1")) == size

    def test_the_sum_below_is_the_outputs(self):
        figure = convolution_stepper.draw(size=9, kernel=5, padding=1, dilation=2, step=81)
        (line,) = [text.get_text() for text in figure.texts if text.get_text().startswith("y[")]
        assert line.count(" + ") == 9
        assert "…" in line

    def test_a_kernel_that_does_not_fit_is_told(self):
        with pytest.raises(ValueError, match="use padding >= "):
            convolution_stepper.draw(size=3, kernel=5)


class TestReceptiveField:
    def test_the_lowest_level_is_as_wide_as_the_formula_says(self):
        figure = receptive_field.draw(layers=4, stride=2, every=2)
        lowest = [line.get_xdata() for line in figure.axes[0].lines if line.get_ydata()[0] == 0]
        assert max(lowest[0]) - min(lowest[0]) + 1 == 13
        assert "sees 13 input pixels" in figure._suptitle.get_text().replace("\n", " ")

    def test_doubled_dilation_doubles_the_field(self):
        title = receptive_field.draw(layers=5, dilation="1, 2, 4, …")._suptitle.get_text().replace("\n", " ")
        assert "sees 63 input pixels" in title


class TestDigitNet:
    def test_the_net_has_learned(self):
        test = digit_net.digits().test
        right = [digit_net.maps_of(test.images[i : i + 1])["output"].argmax() == test.labels[i] for i in range(100)]
        assert np.mean(right) > 0.8

    def test_every_layer_is_there_and_no_map_below_0(self):
        maps = digit_net.maps_of(digit_net.digits().test.images[:1])
        assert {name: len(values) for name, values in maps.items()} == {
            "c1": 6,
            "c3": 16,
            "c5": 120,
            "f6": 84,
            "output": 10,
        }
        assert all(values.min() >= 0 for values in maps.values())
        assert maps["output"].sum() == pytest.approx(1)

    def test_an_empty_drawing_is_told(self):
        shown = staged("digit_net")
        shown.reset.click()
        shown.demo.controls["paper"].pixels = bytes(784)
        assert "the drawing is empty: draw a digit first" in shown.message.value


def test_the_slowest_program_is_named():
    ratios = speed_race.race(16, 8, 1)
    assert set(ratios) == set(speed_race.LADDER)
    title = speed_race.draw()._suptitle.get_text()
    assert f'"{max(ratios, key=ratios.get)}"' in title


def test_a_figure_of_pyplot_is_drawn_in_the_big_style():
    sizes = []

    def draw(a, b):
        sizes.append(plt.rcParams["font.size"])
        return Figure((4, 2))

    stage(simple(draw=draw))
    assert sizes == [17]
    assert plt.rcParams["font.size"] != 17
