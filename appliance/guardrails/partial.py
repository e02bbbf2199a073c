"""What could still become a match: for an expression, one that matches every beginning of what it matches.

A stream shows what can't be part of a finding any more, and nothing else. RE2 has no partial matches, but the beginnings of a
regular language are regular themselves: `ab{1,3}c` begins as `a`, `ab`, `abb`, … Searched for at the end of what has come
so far, the leftmost one is what to hold back; RE2 reads it from the end backwards, and no further than there is a match.
"""

from appliance.guardrails.expression import Character, Choice, Node, NotRegular, Place, Repeat, Sequence, parsed

NoBeginnings = NotRegular
_NESTED_MAX = 100  # RE2 takes a thousand groups in one another


def beginnings(regex: str, *, counted: bool = False) -> str:
    """An expression for every beginning of what `regex` matches, the whole of it and nothing at all included.

    `counted`: those alone. Else repeats have no bounds, and a little more is matched; counting makes the automaton of many
    expressions together a thousand times as large.

    Errors: NoBeginnings: a construct that only backtracking engines have.
    """
    return f"(?:{_Written(counted).beginning(parsed(regex))})"


def uncounted(regex: str) -> str:
    """One that matches wherever `regex` does, and a little more: its repeats have no bounds."""
    return _Written(counted=False).sequence(parsed(regex))


class _Written:
    """Nodes as expressions again. `counted`: repeats keep their bounds."""

    def __init__(self, counted: bool) -> None:
        self._counted = counted

    def beginning(self, nodes: Sequence) -> str:
        """Of nodes one after another: of the first alone, or all of it and a beginning of the rest."""
        if not nodes:
            return ""
        if len(nodes) > _NESTED_MAX:
            half = len(nodes) // 2
            return f"(?:{self.beginning(nodes[:half])}|{self.sequence(nodes[:half])}{self.beginning(nodes[half:])})"
        first, rest = nodes[0], self.beginning(nodes[1:])
        match first:
            case Character():
                return f"(?:{first.regex}{rest})?"
            case Place():
                return rest
            case _:
                return f"(?:{self._part(first)}|{self._text(first)}{rest})"

    def sequence(self, nodes: Sequence) -> str:
        return "".join(map(self._text, nodes))

    def _part(self, node: Repeat | Choice) -> str:
        """Beginnings of one node that holds others."""
        if isinstance(node, Choice):
            return "|".join(f"(?:{self.beginning(branch)})" for branch in node.branches)
        begun = self.beginning((node.item,))
        if node.most is not None and node.most <= 1:
            return begun
        before = self._times(0, None if node.most is None else node.most - 1)
        return f"(?:{self._text(node.item)}){before}{begun}"

    def _text(self, node: Node) -> str:
        match node:
            case Character() | Place():
                return node.regex
            case Choice():
                return "(?:" + "|".join(map(self.sequence, node.branches)) + ")"
            case Repeat():
                return f"(?:{self._text(node.item)}){self._times(node.least, node.most)}"

    def _times(self, least: int, most: int | None) -> str:
        if most is not None and (self._counted or most <= 1):
            return f"{{{least},{most}}}"
        if self._counted and least > 1:
            return f"{{{least},}}"
        return "+" if least else "*"
