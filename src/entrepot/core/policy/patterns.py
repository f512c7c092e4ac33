"""Text with wildcards (IAM user guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs").

``*`` stands for any run of characters and ``?`` for one. A pattern is cut at its stars once; the pieces are then
looked for from left to right and never given back, so no pattern makes a matcher go back and try again.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum


class Wildcard(Enum):
    """What is not literal in a pattern."""

    ANY_RUN = "*"
    ANY_CHARACTER = "?"


#: A pattern is a sequence of literal texts and wildcards, so a literal ``*`` cannot be taken for a wildcard.
Token = str | Wildcard
Matcher = Callable[[str], bool]

ARN_PARTS = 6


def tokens_of(text: str) -> list[Token]:
    """``text`` with its ``*`` and ``?`` as wildcards."""
    tokens: list[Token] = []
    start = 0
    for position, character in enumerate(text):
        if character in "*?":
            if position > start:
                tokens.append(text[start:position])
            tokens.append(Wildcard(character))
            start = position + 1
    return [*tokens, text[start:]] if start < len(text) else tokens


def text_matcher(tokens: Sequence[Token]) -> Matcher:
    """Decides whether a text as a whole fits."""
    if all(isinstance(token, str) for token in tokens):
        literal = "".join(token for token in tokens if isinstance(token, str))
        return lambda text: text == literal
    prefix, *others = tokens
    if isinstance(prefix, str) and others == [Wildcard.ANY_RUN]:
        return lambda text: text.startswith(prefix)
    return _Glob(tokens).matches


def arn_matcher(tokens: Sequence[Token]) -> Matcher:
    """Decides whether an ARN fits, each of its six parts by itself: only in the last does a wildcard cross colons.

    A pattern of fewer parts fits nothing, but for a single ``*``, which fits every ARN.
    """
    if tokens and isinstance(tokens[0], str) and tokens[0].count(":") >= ARN_PARTS - 1:
        return text_matcher(tokens)  # all wildcards are in the last part, which keeps its colons
    if list(tokens) == [Wildcard.ANY_RUN]:
        tokens = tokens_of(":".join("*" * ARN_PARTS))
    parts = [text_matcher(part) for part in _split_at_colons(tokens)]

    def matches(arn: str) -> bool:
        found = arn.split(":", ARN_PARTS - 1)
        return len(found) == len(parts) == ARN_PARTS and all(
            part(text) for part, text in zip(parts, found, strict=True)
        )

    return matches


def _split_at_colons(tokens: Iterable[Token]) -> list[list[Token]]:
    """A pattern's parts, at most six: the last keeps its colons."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if isinstance(token, Wildcard):
            parts[-1].append(token)
            continue
        first, *others = token.split(":", ARN_PARTS - len(parts))
        parts[-1].append(first)
        parts.extend([other] for other in others)
    return parts


class _Piece:
    """What stands between two stars: literal texts at fixed places, any character elsewhere."""

    __slots__ = ("_literals", "_whole", "length")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._literals: list[tuple[int, str]] = []
        self.length = 0
        for token in tokens:
            text = token if isinstance(token, str) else token.value
            if isinstance(token, str):
                self._literals.append((self.length, text))
            self.length += len(text)
        joined = "".join(text for _, text in self._literals)
        self._whole = joined if len(joined) == self.length else None

    def is_at(self, text: str, position: int) -> bool:
        return all(text.startswith(literal, position + offset) for offset, literal in self._literals)

    def find(self, text: str, start: int, end: int) -> int:
        """The first place in ``text[start:end]`` where the piece lies as a whole; -1 for none."""
        if self._whole is not None:
            return text.find(self._whole, start, end)
        places, anything = self._places()
        found, state = 1 << (self.length - 1), 0
        for at in range(start, end):  # shift-and (Baeza-Yates, Gonnet 1992): bit i says that i + 1 characters fit
            state = (state << 1 | 1) & (places.get(text[at], 0) | anything)
            if state & found:
                return at - self.length + 1
        return -1

    def _places(self) -> tuple[dict[str, int], int]:
        """Where in the piece each character stands, and where any may, as bits.

        Not kept: in a long piece of many different characters they take a hundred times its size.
        """
        places: dict[str, int] = {}
        anything = (1 << self.length) - 1
        for offset, literal in self._literals:
            anything &= ~(((1 << len(literal)) - 1) << offset)
            for place, character in enumerate(literal, offset):
                places[character] = places.get(character, 0) | 1 << place
        return places, anything


class _Glob:
    """A pattern with a wildcard in it."""

    __slots__ = ("_first", "_last", "_middle")

    def __init__(self, tokens: Sequence[Token]) -> None:
        pieces: list[list[Token]] = [[]]
        for token in tokens:
            if token is Wildcard.ANY_RUN:
                pieces.append([])
            else:
                pieces[-1].append(token)
        self._first = _Piece(pieces[0])
        self._middle = [_Piece(piece) for piece in pieces[1:-1] if piece]
        self._last = _Piece(pieces[-1]) if len(pieces) > 1 else None

    def matches(self, text: str) -> bool:
        first, last = self._first, self._last
        if last is None:
            return len(text) == first.length and first.is_at(text, 0)
        position, end = first.length, len(text) - last.length
        if position > end or not first.is_at(text, 0) or not last.is_at(text, end):
            return False
        for piece in self._middle:
            found = piece.find(text, position, end)
            if found < 0:
                return False
            position = found + piece.length
        return True
