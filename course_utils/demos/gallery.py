"""The gallery: which demos there are, what each shows, and when in which chapter a class needs it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.demos.stage import Demo

__all__ = ["GALLERY", "Card", "build", "card", "words"]


@dataclass(frozen=True)
class Card:
    """What the gallery tells of a demo: `name` is also its module's, `minutes` what it takes in front of a class."""

    name: str
    title: str
    sentence: str
    chapter: str
    minutes: int
    question: str
    answer: str


GALLERY: tuple[Card, ...] = (
    Card(
        name="kernel_editor",
        title="Kernel editor",
        sentence="Nine numbers turn a photograph into its blur, its edges or itself: change one and watch the output.",
        chapter="01",
        minutes=5,
        question="Which sum must the nine weights have so that a flat wall comes out black?",
        answer="0, as in Sobel's and the Laplacian kernel: on a flat region every window holds one value v nine times, "
        "so the output is v times the sum of the weights. With the sum 1 the wall keeps its brightness.",
    ),
    Card(
        name="convolution_stepper",
        title="Convolution, cell by cell",
        sentence="The orange cells are read, the blue one is written: step on, then change stride and padding.",
        chapter="01",
        minutes=6,
        question="A 6x6 input, a 3x3 kernel, stride 2, no padding: which cells are never read?",
        answer="The last row and the last column: the window starts at 0 and 2, and a start at 4 would need a seventh "
        "column. That is the floor in the formula.",
    ),
    Card(
        name="receptive_field",
        title="What one pixel sees",
        sentence="Follow the cone from one output pixel to the input: layers widen it, strides and dilation much more.",
        chapter="01",
        minutes=4,
        question="Two 3x3 layers or one 5x5: which sees more, and which has more weights?",
        answer="Both see 5x5 pixels. With one channel the two have 18 weights and the one has 25, and between the two "
        "stands one more activation.",
    ),
    Card(
        name="speed_race",
        title="The speed race",
        sentence="Seven programs compute the same convolution on this machine: how far apart are they?",
        chapter="01",
        minutes=4,
        question="All seven multiply and add equally often: where do the slow ones spend their time?",
        answer="In the Python interpreter, which reads every line of a loop anew, and in moving numbers: a program is "
        "fast when it hands long runs of work to compiled code and reads memory in order.",
    ),
    Card(
        name="batch_norm",
        title="BatchNorm on and off",
        sentence="A net with four hidden layers learns to tell two spirals apart: at which learning rates, and in "
        "which batches, does it need BatchNorm?",
        chapter="04",
        minutes=6,
        question="Why does the net with BatchNorm bear rates at which the other learns nothing, and what becomes of "
        "that in batches of two?",
        answer="BatchNorm divides by the spread of what it gets: weights that a large step has blown up come out as "
        "before, and their gradient shrinks. Of two samples every value becomes nearly +1 or -1, whatever it was, so "
        "little is left to learn from, and evaluation uses other statistics than training did.",
    ),
    Card(
        name="dropout",
        title="Dropout",
        sentence="Chance decides which neurons a mask switches off; over many masks their mean comes to what "
        "evaluation gives.",
        chapter="04",
        minutes=4,
        question="A net is trained as downscale_in_infer and used as upscale_in_train. What does the next layer get?",
        answer="Inputs that are 1 / (1 - p) times as large as ever in training, with p = 0.5 twice as large: the first "
        "mode scales in evaluation only, the second in training only, and mixed up nobody does. Press 'Mixed up'.",
    ),
    Card(
        name="optimizer_race",
        title="Optimizer race",
        sentence="Each optimizer runs at its own best rate, or at a multiple of it: who leads, and who is thrown out?",
        chapter="05",
        minutes=6,
        question="In the ravine all run at twice their best rate. Who is thrown out, and why that one?",
        answer="Nesterov. Across the ravine the curvature is 50; there SGD bears rates below 2/50 = 0.04, Momentum "
        "below 2 (1 + 0.9)/50 = 0.076, but Nesterov, who looks ahead, only below 3.8/2.8/50 = 0.027. What makes it "
        "fast at its best rate brings the edge nearer.",
    ),
    Card(
        name="digit_net",
        title="A digit through LeNet",
        sentence="Draw a digit: every layer's maps and the ten probabilities follow your pen.",
        chapter="06",
        minutes=6,
        question="Which layer still shows you the digit, and which knows what it is?",
        answer="The maps of C1 look like the drawing with its edges marked; C3's are small and hard to name; C5 and F6 "
        "have no place any more, only strengths, and it is from those that the ten probabilities are computed.",
    ),
    Card(
        name="residual",
        title="Shortcuts and the gradient",
        sentence="On its way back from the last unit to the first the gradient shrinks or grows: with shortcuts, and "
        "without.",
        chapter="08",
        minutes=5,
        question="No shortcuts, no BatchNorm, gain 0.8: which share of the gradient is left after 40 layers? Estimate "
        "before you look.",
        answer="Each layer multiplies it by about the gain, and 0.8 to the power of 40 is 1.3 in ten thousand. The "
        "shortcuts pass it on whatever the layers do; but with large weights their sums grow, and then it is BatchNorm "
        "that keeps the signal small.",
    ),
    Card(
        name="screening_threshold",
        title="A threshold for screening",
        sentence="Move the threshold and the test changes; move the prevalence and the test stays, but what its result "
        "means does not.",
        chapter="10",
        minutes=6,
        question="One test, one threshold: in the clinic half of those who come are ill, in the street one in a "
        "hundred. Of those called in, how many are ill?",
        answer="In the clinic nearly all, in the street few: there a small share of very many healthy people is more "
        "than a large share of very few ill ones. Sensitivity and specificity belong to the test, the predictive "
        "values to the place where it is used.",
    ),
)
"""All demos in the order of the chapters."""


def card(name: str) -> Card:
    """The card of that name; raises CourseError, with the nearest name, where there is none."""
    cards = {each.name: each for each in GALLERY}
    if name not in cards:
        near = get_close_matches(name, cards, n=1, cutoff=0.4)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(cards)}"
        raise CourseError(f"no demo is called {name!r}: {advice}")
    return cards[name]


def words(name: str) -> dict[str, str]:
    """The text of a card as keyword arguments of `Demo`, so that a demo's module does not repeat it."""
    found = card(name)
    return {key: getattr(found, key) for key in ("name", "title", "sentence", "chapter", "question", "answer")}


def build(name: str) -> Demo:
    """The demo of that name, built by its module's `demo()`; this is where Paddle is imported and nets are trained.

    Raises CourseError for an unknown name.
    """
    return importlib.import_module(f"course_utils.demos.{card(name).name}").demo()
