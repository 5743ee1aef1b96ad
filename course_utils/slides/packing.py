"""Pieces put on slides in their order: each slide full, none overfull where that can be helped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from course_utils.slides.pieces import CAPACITY, Piece, beside

__all__ = ["Packer", "Slide"]

TEXT_LINES = 13  # of prose on one slide: more is a wall
NARROW = 1.45  # a picture's width / height, below which its text stands beside it
WIDOW = 3.2  # lines of text that are too few for a slide of their own


@dataclass
class Slide:
    """One slide: the heading of its section, whether it is the title, and its pieces from top to bottom.

    asked: whether a tag asks for it, so that it is not joined to another.
    """

    heading: str = ""
    title: bool = False
    pieces: list[Piece] = field(default_factory=list)
    asked: bool = False

    @property
    def lines(self) -> float:
        """The height of what stands on it."""
        above, picture, side = self.columns
        return sum(piece.lines for piece in above) + max([9 * bool(picture), sum(piece.lines for piece in side)])

    @property
    def columns(self) -> tuple[list[Piece], list[Piece], list[Piece]]:
        """What takes the full width, a narrow picture below it, and what stands beside that; or all, none and none."""
        at = next((index for index, piece in enumerate(self.pieces) if piece.kind == "picture"), len(self.pieces))
        above, picture = self.pieces[:at], self.pieces[at : at + 1]
        side = [beside(piece) for piece in self.pieces[at + 1 :]]
        fitting = [piece for piece in side if piece]
        room = CAPACITY - sum(piece.lines for piece in above)
        if (
            not any(piece.lines for piece in fitting)
            or len(fitting) < len(side)
            or picture[0].size > NARROW
            or max(9, sum(piece.lines for piece in fitting)) > room
        ):
            return self.pieces, [], []
        return above, picture, fitting

    @property
    def roomy(self) -> bool:
        """Whether it holds so little text that type a fifth larger fits, which takes about 1.45 times the lines."""
        text = ("markdown", "equation", "question", "answer", "output", "folded")
        return 1.45 * self.lines <= CAPACITY and all(piece.kind in text for piece in self.pieces)


@dataclass
class Packer:
    """Collects pieces into `sections`: lists of slides that stand below one another."""

    sections: list[list[Slide]] = field(default_factory=list)
    held: list[Piece] = field(default_factory=list)  # what keeps together with what comes next
    closed: bool = True  # whether the next piece needs a new slide
    asked: bool = False  # whether a tag wants it

    def section(self, heading: str, title: bool = False) -> None:
        """Begin a column of slides; a title slide takes all that comes until it is closed."""
        self.flush()
        self.sections.append([Slide(heading, title)])
        self.closed = self.asked = False

    def close(self, asked: bool = False) -> None:
        """Let the next piece begin a slide; what is held back moves there with it. asked: by a tag."""
        self.closed = True
        self.asked = asked

    def reopen(self) -> None:
        """Let the next piece join the present slide after all."""
        self.closed = False

    @property
    def heading(self) -> str:
        """Of the present section."""
        return self.sections[-1][-1].heading if self.sections else ""

    @property
    def ends_in_picture(self) -> bool:
        """Whether the present slide shows a picture, so that it is for the next paragraph to explain it."""
        if self.closed or self.held or not self.sections:
            return False
        return any(piece.kind == "picture" for piece in self.sections[-1][-1].pieces)

    def flush(self) -> None:
        """Put down what is held back, although nothing follows that it belongs to."""
        held, self.held = self.held, []
        self._place(held)

    def add(self, *pieces: Piece) -> None:
        """Put pieces that belong together after what stands there, on the same slide if they fit."""
        group = [*self.held, *pieces]
        self.held = []
        if group and group[-1].keep and pieces:
            self.held = group
        else:
            self._place(group)

    @property
    def room(self) -> float:
        """Lines that the present slide has left."""
        held = sum(piece.lines for piece in self.held)
        return CAPACITY - held - (self.sections[-1][-1].lines if self.sections and not self.closed else 0)

    def finish(self) -> list[list[Slide]]:
        """The slides, without empty ones and with lone lines of text on the slide before."""
        self.flush()
        done: list[list[Slide]] = []
        for section in self.sections:
            slides: list[Slide] = []
            for slide in section:
                if slides and _is_widow(slide) and _takes(slides[-1], slide):
                    slides[-1].pieces += slide.pieces
                elif slide.pieces:
                    slides.append(_opened(slide))
            done.append(slides)
        return [slides for slides in done if slides]

    def fits(self, *pieces: Piece) -> bool:
        """Whether they, and what is held back, fit on the present slide."""
        if not self.sections or self.closed:
            return False
        slide = self.sections[-1][-1]
        if slide.title:
            return True
        together = [*slide.pieces, *self.held, *pieces]
        text = sum(piece.lines for piece in together if piece.kind in ("markdown", "equation"))
        return Slide(pieces=together).lines <= CAPACITY and text <= TEXT_LINES

    def _place(self, group: list[Piece]) -> None:
        if not group:
            return
        if not self.fits(*group):
            self._new_slide()
        if self.fits(*group) or len(group) == 1:
            self.sections[-1][-1].pieces += group
            return
        for piece in group:  # together they are too much for any slide
            if not self.fits(piece):
                self._new_slide()
            self.sections[-1][-1].pieces.append(piece)

    def _new_slide(self) -> None:
        slide = Slide(self.heading, asked=self.asked)
        self.closed = self.asked = False
        if not self.sections:
            self.sections.append([slide])
        elif self.sections[-1][-1].pieces:
            self.sections[-1].append(slide)


def _is_widow(slide: Slide) -> bool:
    """Whether it holds a few lines of text and nothing else."""
    plain = all(piece.kind == "markdown" and not piece.text.startswith("#") for piece in slide.pieces)
    return plain and not slide.asked and slide.lines <= WIDOW


def _takes(slide: Slide, more: Slide) -> bool:
    kinds = {piece.kind for piece in slide.pieces}
    return not slide.title and not kinds & {"picture", "predict"} and slide.lines + more.lines <= CAPACITY


def _opened(slide: Slide) -> Slide:
    """The slide, on which an answer without its question does not wait for a key."""
    if any(piece.lines and not piece.fragment for piece in slide.pieces):
        return slide
    return replace(slide, pieces=[replace(piece, fragment=False) for piece in slide.pieces])
