"""Follows one JSON object as it comes, piece by piece: where it is, whether it is over, whether it went wrong.

It keeps the open brackets and a word or number under way, nothing else, so a long text costs no memory and linear time.
One thing is forgiven: line ends and tabs as they are inside strings, which models write where they write code.
"""

import re

WORD_CHARACTERS_MAX = 512  # of one number

_STRING_RUN = re.compile(r'[^"\\\x00-\x1f]+')
_BLANKS = re.compile(r"[ \t\r\n]+")
_WORD_CHARACTERS = frozenset("-+.0123456789") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = ("true", "false", "null")
_HEX = frozenset("0123456789abcdefABCDEF")

# What may come next.
_OBJECT, _KEY, _KEY_OR_END, _COLON, _VALUE, _VALUE_OR_END, _COMMA_OR_END, _NOTHING = range(8)
_AT_BOUNDARY = frozenset((_COMMA_OR_END, _KEY_OR_END, _VALUE_OR_END))


class JsonScanner:
    """One object. `depth` counts open brackets.

    has_opened:  the last scan ended behind a bracket that opens.
    raw_control: it ended behind this control character, which stands as it is inside a string.
    """

    def __init__(self, depth_max: int) -> None:
        self._depth_max = depth_max
        self._open: list[str] = []
        self._expects = _OBJECT
        self._is_key = False
        self._in_string = False
        self._escape = 0  # characters that an escape still needs; 5: the one behind the backslash
        self._word = ""
        self.is_broken = False
        self.has_opened = False
        self.raw_control = ""

    @property
    def depth(self) -> int:
        return len(self._open)

    @property
    def is_complete(self) -> bool:
        return self._expects == _NOTHING

    def closers(self, depth: int) -> str | None:
        """What closes the brackets opened beyond `depth`, where nothing but them is missing; else None."""
        if self._in_string or (self._word and not _is_word(self._word)):
            return None
        if not self._word and self._expects not in _AT_BOUNDARY:
            return None
        return "".join("}" if bracket == "{" else "]" for bracket in reversed(self._open[depth:]))

    def scan(self, text: str, at: int, end: int) -> int:
        """Read on from `at` until something happens, `end` at the latest; where that was.

        What happens: a bracket opened or closed (behind it), the object is over (behind it), it is broken (at the wrong
        character), or a raw control character stands in a string (behind it).
        """
        self.raw_control, self.has_opened = "", False
        while at < end:
            if self._in_string:
                at = self._string(text, at, end)
                if self.raw_control or self.is_broken:
                    return at
            elif text[at] in _WORD_CHARACTERS:
                if not self._word_goes_on(text[at]):
                    return self._break(at)
                at += 1
            elif self._word and not self._word_is_over():
                return self._break(at)
            elif run := _BLANKS.match(text, at, end):
                at = run.end()
            else:
                before = self.depth
                if not self._mark(text[at]):
                    return self._break(at)
                at += 1
                if self.depth != before:
                    self.has_opened = self.depth > before
                    return at
        return at

    def _break(self, at: int) -> int:
        self.is_broken = True
        return at

    def _string(self, text: str, at: int, end: int) -> int:
        if self._escape:
            return self._escaped(text, at)
        if run := _STRING_RUN.match(text, at, end):
            return run.end()
        character = text[at]
        if character == "\\":
            self._escape = 5
        elif character == '"':
            self._in_string = False
            self._expects = _COLON if self._is_key else _COMMA_OR_END
        else:
            self.raw_control = character
        return at + 1

    def _escaped(self, text: str, at: int) -> int:
        character = text[at]
        if self._escape == 5:
            self._escape = 4 if character == "u" else 0
            is_right = character in '"\\/bfnrtu'
        else:
            self._escape -= 1
            is_right = character in _HEX
        return at + 1 if is_right else self._break(at)

    def _mark(self, character: str) -> bool:
        """Take a character that is no blank and stands in no string or word; False where it can't stand."""
        expects = self._expects
        takes_value = expects in (_VALUE, _VALUE_OR_END)
        if character == '"' and (takes_value or expects in (_KEY, _KEY_OR_END)):
            self._in_string, self._is_key = True, not takes_value
        elif (character == "{" and (takes_value or expects == _OBJECT)) or (character == "[" and takes_value):
            self._open.append(character)
            self._expects = _KEY_OR_END if character == "{" else _VALUE_OR_END
            return self.depth <= self._depth_max
        elif character == ":" and expects == _COLON:
            self._expects = _VALUE
        elif character == "," and expects == _COMMA_OR_END:
            self._expects = _KEY if self._open[-1] == "{" else _VALUE
        elif (character == "}" and self._closes("{", _KEY_OR_END)) or (character == "]" and self._closes("[", _VALUE_OR_END)):
            self._open.pop()
            self._expects = _COMMA_OR_END if self._open else _NOTHING
        else:
            return False
        return True

    def _closes(self, bracket: str, when_empty: int) -> bool:
        return self._expects in (_COMMA_OR_END, when_empty) and self._open[-1] == bracket

    def _word_goes_on(self, character: str) -> bool:
        if not self._word and self._expects not in (_VALUE, _VALUE_OR_END):
            return False
        self._word += character
        is_number = self._word[0] in "-0123456789" and character in "-+.0123456789eE"
        return len(self._word) <= WORD_CHARACTERS_MAX and (is_number or any(word.startswith(self._word) for word in _WORDS))

    def _word_is_over(self) -> bool:
        is_right = _is_word(self._word)
        self._word, self._expects = "", _COMMA_OR_END
        return is_right


def _is_word(text: str) -> bool:
    return text in _WORDS or _NUMBER.fullmatch(text) is not None
