"""Regular expressions that people send: the usual words of them, matched in time that grows with the text only.

Python's own matcher may take hours for one short text and holds up every other request meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from croft.core.errors import Invalid

LONGEST = 255
MOST_STEPS = 500
"""Steps of a program; counted repetitions are written out."""
_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "s": str.isspace,
    "w": lambda letter: letter.isalnum() or letter == "_",
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
Letter = Callable[[str], bool]
Emit = Callable[[], None]


@dataclass
class Step:
    """A letter that must fit, a fork (`ways`), or a place (`start` or `end` of the text) that must be reached."""

    fits: Letter | None = None
    ways: tuple[int, ...] = ()
    place: str = ""


@dataclass
class Pattern:
    steps: list[Step] = field(default_factory=list)

    def found_in(self, text: str) -> bool:
        """Whether any part of the text matches."""
        at: set[int] = set()
        for index in range(len(text) + 1):
            reached = self._spread(at | {0}, first=index == 0, last=index == len(text))
            if len(self.steps) in reached:
                return True
            if index < len(text):
                at = {step + 1 for step in reached if (fits := self.steps[step].fits) is not None and fits(text[index])}
        return False

    def _spread(self, at: set[int], *, first: bool, last: bool) -> set[int]:
        """Everything that can be reached without taking a letter."""
        waiting, reached = list(at), set(at)
        while waiting:
            number = waiting.pop()
            if number == len(self.steps):
                continue
            step = self.steps[number]
            ways = step.ways
            if step.place:
                ways = (number + 1,) if (first if step.place == "start" else last) else ()
            for way in ways:
                if way not in reached:
                    reached.add(way)
                    waiting.append(way)
        return reached


class Wrong(Exception):
    """The text is no expression, or uses what is not offered."""


class Reader:
    """Reads an expression by recursive descent; each part is a function that appends its steps."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.work = text, 0, 0
        self.pattern = Pattern()

    def read(self) -> Pattern:
        emit = self._either()
        if self.at < len(self.text):
            raise Wrong
        emit()
        return self.pattern

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        letter = self._next()
        if not letter:
            raise Wrong
        self.at += 1
        return letter

    def _add(self, step: Step) -> Step:
        self._count()
        self.pattern.steps.append(step)
        return step

    def _count(self) -> None:
        self.work += 1
        if self.work > MOST_STEPS:
            raise Wrong

    def _either(self) -> Emit:
        choices = [self._row()]
        while self._next() == "|":
            self.at += 1
            choices.append(self._row())

        def emit() -> None:
            ends = []
            for choice in choices[:-1]:
                fork = self._add(Step())
                start = len(self.pattern.steps)
                choice()
                ends.append(self._add(Step()))
                fork.ways = (start, len(self.pattern.steps))
            choices[-1]()
            for end in ends:
                end.ways = (len(self.pattern.steps),)

        return emit

    def _row(self) -> Emit:
        parts = []
        while self._next() not in {"", "|", ")"}:
            parts.append(self._repeated(self._part()))

        def emit() -> None:
            for part in parts:
                part()

        return emit

    def _repeated(self, part: Emit) -> Emit:
        sign = self._next()
        if sign not in {"*", "+", "?", "{"} or not sign:
            return part
        self.at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._counts()
        if self._next() == "?":
            self.at += 1
        if self._next() in {"*", "+", "?", "{"} and self._next():
            raise Wrong

        def emit() -> None:
            for _ in range(least):
                self._count()
                part()
            if most is None:
                self._loop(part)
                return
            forks = []
            for _ in range(most - least):
                fork = self._add(Step())
                forks.append((fork, len(self.pattern.steps)))
                part()
            for fork, start in forks:
                fork.ways = (start, len(self.pattern.steps))

        return emit

    def _loop(self, part: Emit) -> None:
        start = len(self.pattern.steps)
        fork = self._add(Step())
        part()
        self._add(Step(ways=(start,)))
        fork.ways = (start + 1, len(self.pattern.steps))

    def _counts(self) -> tuple[int, int | None]:
        inside, closed, rest = self.text[self.at :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in (least, most or "0")):
            raise Wrong
        self.at = len(self.text) - len(rest)
        low = int(least)
        high = (int(most) if most else None) if comma else low
        if high is not None and high < low:
            raise Wrong
        return low, high

    def _part(self) -> Emit:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter in {"^", "$"}:
            place = "start" if letter == "^" else "end"
            return lambda: self._append(place=place)
        fits = self._letter(letter)
        return lambda: self._append(fits=fits)

    def _append(self, fits: Letter | None = None, place: str = "") -> None:
        self._add(Step(fits=fits, place=place))

    def _group(self) -> Emit:
        if self._next() == "?":
            self.at += 1
            if self._take() != ":":
                raise Wrong
        inside = self._either()
        if self._take() != ")":
            raise Wrong
        return inside

    def _letter(self, letter: str) -> Letter:
        if letter == ".":
            return lambda given: given != "\n"
        if letter == "[":
            return self._choice()
        if letter == "\\":
            return self._escaped()
        if letter in _SPECIAL - {"]", "}"}:
            raise Wrong
        return letter.__eq__

    def _escaped(self) -> Letter:
        letter = self._take()
        if letter.lower() in _CLASSES:
            fits = _CLASSES[letter.lower()]
            return fits if letter.islower() else lambda given: not fits(given)
        if letter in _CONTROLS:
            return _CONTROLS[letter].__eq__
        if letter.isalnum():
            raise Wrong
        return letter.__eq__

    def _choice(self) -> Letter:
        """`[a-z_]`, `[^…]`"""
        other = self._next() == "^"
        self.at += other
        several: list[Letter] = []
        while True:
            letter = self._take()
            if letter == "]" and several:
                break
            several.append(self._escaped() if letter == "\\" else self._range(letter))
        return lambda given: any(fits(given) for fits in several) != other

    def _range(self, low: str) -> Letter:
        if self._next() != "-" or self.text[self.at + 1 : self.at + 2] in {"", "]"}:
            return low.__eq__
        self.at += 1
        high = self._take()
        if high == "\\" or high < low:
            raise Wrong
        return lambda given: low <= given <= high


def pattern(text: str) -> Pattern:
    """`Invalid` for what is no expression, too long, or more than this matcher knows (like back references)."""
    try:
        if len(text) > LONGEST:
            raise Wrong
        return Reader(text).read()
    except (Wrong, RecursionError) as error:
        raise Invalid(
            f"Invalid filter: {text[:60]!r} is not a regular expression, or one of more than this list can search for."
        ) from error
