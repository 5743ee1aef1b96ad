"""Pieces put on slides in their order: each slide full, none overfull where that can be helped."""

from __future__ import annotations

from dataclasses import dataclass, field

from course_utils.slides.pieces import CAPACITY, Piece

__all__ = ["Packer", "Slide"]

TEXT_LINES = 13  # of prose on one slide: more is a wall


@dataclass
class Slide:
    """One slide: the heading of its section, whether it is the title, and its pieces from top to bottom."""

    heading: str = ""
    title: bool = False
    pieces: list[Piece] = field(default_factory=list)

    @property
    def lines(self) -> float:
        """The height of what stands on it."""
        return sum(piece.lines for piece in self.pieces)

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

    def section(self, heading: str, title: bool = False) -> None:
        """Begin a column of slides; a title slide takes all that comes until it is closed."""
        self.flush()
        self.sections.append([Slide(heading, title)])
        self.closed = False

    def close(self) -> None:
        """Let the next piece begin a slide; what is held back moves there with it."""
        self.closed = True

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
        if group[-1].keep:
            self.held = group
        else:
            self._place(group)

    def fits(self, *pieces: Piece) -> bool:
        """Whether they, and what is held back, fit on the present slide."""
        if not self.sections or self.closed:
            return False
        slide = self.sections[-1][-1]
        if slide.title:
            return True
        together = [*slide.pieces, *self.held, *pieces]
        text = sum(piece.lines for piece in together if piece.kind in ("markdown", "equation"))
        return sum(piece.lines for piece in together) <= CAPACITY and text <= TEXT_LINES

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
        self.closed = False
        if not self.sections:
            self.sections.append([Slide()])
        elif self.sections[-1][-1].pieces:
            self.sections[-1].append(Slide(self.heading))
