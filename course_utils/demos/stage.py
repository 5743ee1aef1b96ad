"""The stage on which every demo stands: picture, controls, presets, reset, a question for the class."""

from __future__ import annotations

import asyncio
import gc
import html
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import ipywidgets as widgets
import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course_utils.demos.gallery import build
from course_utils.errors import CourseError

__all__ = ["Demo", "Stage", "big_style", "open_alone", "stage", "warm_up"]

WIDTH, HEIGHT = 1500, 900  # pixels that a picture has at most
WAIT = 0.01  # seconds in which further events join the first, so that a dragged slider never queues
BIG = {
    "font.size": 17,
    "axes.titlesize": 19,
    "axes.labelsize": 17,
    "xtick.labelsize": 15,
    "ytick.labelsize": 15,
    "legend.fontsize": 15,
    "figure.titlesize": 20,
    "figure.figsize": (12, 7),
}


@dataclass(frozen=True)
class Demo:
    """What a demo consists of.

    controls: name -> widget with a `value`. draw: a pure function of the controls' values by name, -> Figure; what is
    wrong with the values it says in one sentence as ValueError or CourseError. presets: label -> name -> value; the
    controls that a preset does not name keep theirs. The rest is text: one sentence on what to see, the chapter's
    number, a question to ask the class and its answer.
    """

    name: str
    title: str
    sentence: str
    chapter: str
    controls: Mapping[str, widgets.Widget]
    draw: Callable[..., Figure]
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    question: str = ""
    answer: str = ""


@lru_cache(maxsize=1)
def big_style() -> dict[str, Any]:
    """The course's plot style with letters for the back row of a room, as rcParams."""
    with resources.as_file(resources.files("course_utils") / "course.mplstyle") as path:
        return {**matplotlib.rc_params_from_file(path, use_default_template=False), **BIG}


class Stage(widgets.VBox):
    """A demo as a widget. `picture` holds the JPEG, `message` what is wrong, `reset` and `presets` are its buttons."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self._first = {name: control.value for name, control in demo.controls.items()}
        self._waiting = False
        self.picture = widgets.Image(format="jpeg").add_class("course-picture")
        self.message = widgets.HTML().add_class("course-message")
        self.presets = {label: self._button(label, values) for label, values in demo.presets.items()}
        self.reset = self._button("Reset", self._first, style="warning")
        for control in demo.controls.values():
            _make_wide(control)
            control.observe(self._changed, "value")
        buttons = widgets.Box([*self.presets.values(), self.reset]).add_class("course-presets")
        controls = [buttons, *demo.controls.values(), self.message, widgets.HTML(_question(demo))]
        body = [self.picture, widgets.Box(controls).add_class("course-controls")]
        super().__init__([widgets.HTML(_style() + _head(demo)), widgets.Box(body).add_class("course-body")])
        self.add_class("course-stage")
        self.redraw()

    def __repr__(self) -> str:
        return f"{self.demo.title}: open this notebook in Jupyter and run the cell to move it."

    def _button(self, label: str, values: Mapping[str, Any], style: str = "") -> widgets.Button:
        if unknown := set(values) - set(self.demo.controls):
            raise ValueError(f"preset {label!r} sets {sorted(unknown)}: the controls are {sorted(self.demo.controls)}")
        button = widgets.Button(description=label, button_style=style)
        button.on_click(lambda _: self.set(**values))
        return button

    def set(self, **values: Any) -> None:
        """Give several controls a value and draw once."""
        waiting, self._waiting = self._waiting, True
        try:
            for name, value in values.items():
                self.demo.controls[name].value = value
        finally:
            self._waiting = waiting
        self._changed()

    def _changed(self, _: Any = None) -> None:
        """Draw soon, once for all the events that came until then; at once where no event loop runs."""
        if self._waiting:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.redraw()
        else:
            self._waiting = True
            loop.call_later(WAIT, self.redraw)

    def redraw(self) -> None:
        """Draw the picture of the controls' values; where that fails keep the old one and tell why in one sentence."""
        self._waiting = False
        before = set(plt.get_fignums())
        try:
            # interactive, the notebook's backend would keep each figure, to show it after a cell that never comes
            with matplotlib.rc_context(big_style() | {"interactive": False}):
                figure = self.demo.draw(**{name: control.value for name, control in self.demo.controls.items()})
                self.picture.value = _jpeg(figure)
        except Exception as error:  # Jupyter hides what a callback raises, and the picture of other values would stay
            self._tell(" ".join(str(error).split()) or type(error).__name__)
        else:
            self._tell("")
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)

    def _tell(self, sentence: str) -> None:
        self.message.value = _alert(sentence) if sentence else ""
        (self.picture.add_class if sentence else self.picture.remove_class)("course-stale")


def stage(demo: Demo) -> Stage:
    """Set a demo on its stage: a widget for a cell of its own, drawn once already."""
    return Stage(demo)


def open_alone(name: str) -> widgets.Widget:
    """The demo of that name on its stage, as the one thing that a kernel does; or one sentence that says why not."""
    try:
        shown = stage(build(name))
    except CourseError as error:
        return widgets.HTML(_style() + _alert(str(error))).add_class("course-stage").add_class("course-message")
    gc.collect()  # what is there now stays: to look through it for garbage, time and again, would hold redraws up
    gc.freeze()
    # A figure is a circle of references around megabytes of pixels. Here the picture is on its way already.
    shown.picture.observe(lambda _: gc.collect(), "value")
    return shown


def warm_up() -> None:
    """Import what all demos share, and draw once, which loads the fonts."""
    from course_utils.demos.receptive_field import draw

    with matplotlib.rc_context(big_style() | {"interactive": False}):
        _jpeg(draw())


def _alert(sentence: str) -> str:
    return f'<p role="alert">{html.escape(sentence)}</p>'


def _jpeg(figure: Figure) -> bytes:
    """The figure as JPEG, large enough for a projector; PNG takes longer to pack."""
    width, height = figure.get_size_inches()
    file = io.BytesIO()
    dpi = min(WIDTH / width, HEIGHT / height)
    figure.savefig(file, format="jpeg", dpi=dpi, pil_kwargs={"quality": 90, "subsampling": 0})  # colours at full size
    return file.getvalue()


def _make_wide(control: widgets.Widget) -> None:
    """A control fills its row unless its demo gave it a width; its label takes the room that it needs."""
    if control.layout.width is None:
        control.layout.width = "100%"
    style = getattr(control, "style", None)
    if style is not None and hasattr(style, "description_width"):
        style.description_width = "initial"


def _head(demo: Demo) -> str:
    title, sentence, chapter = (html.escape(text) for text in (demo.title, demo.sentence, demo.chapter))
    return f"<h1>{title} <small>chapter {chapter}</small></h1><p>{sentence}</p>"


def _question(demo: Demo) -> str:
    if not demo.question:
        return ""
    question, answer = html.escape(demo.question), html.escape(demo.answer)
    summary = f'<span class="course-class">Ask the class:</span> {question}'
    return f"<details><summary>{summary}</summary><p>{answer}</p></details>"


def _style() -> str:
    return f"<style>{(resources.files('course_utils.demos') / 'stage.css').read_text(encoding='utf-8')}</style>"
