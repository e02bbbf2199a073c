"""What could still become a match: for an expression, one that matches every beginning of what it matches.

A stream shows what can't be part of a finding any more, and nothing else. RE2 has no partial matches, but the beginnings of a
regular language are regular themselves: `ab{1,3}c` begins as `a`, `ab`, `abb`, … Searched for at the end of what has come
so far, the leftmost one is what to hold back; RE2 reads it from the end backwards, and no further than there is a match.
"""

from appliance.guardrails.expression import Character, Choice, Node, NotRegular, Place, Repeat, Sequence, parsed

NoBeginnings = NotRegular
_NESTED_MAX = 100  # RE2 takes a thousand groups in one another


def beginnings(regex: str) -> str:
    """An expression for every beginning of what `regex` matches, the whole of it and nothing at all included.

    Errors: NoBeginnings: a construct that only backtracking engines have.
    """
    return f"(?:{_beginning(parsed(regex))})"


def uncounted(regex: str) -> str:
    """One that matches wherever `regex` does, and a little more: its repeats have no bounds."""
    return _sequence(parsed(regex))


def _beginning(nodes: Sequence) -> str:
    """Of nodes one after another: of the first alone, or all of it and a beginning of the rest."""
    if not nodes:
        return ""
    if len(nodes) > _NESTED_MAX:
        half = len(nodes) // 2
        return f"(?:{_beginning(nodes[:half])}|{_sequence(nodes[:half])}{_beginning(nodes[half:])})"
    first, rest = nodes[0], _beginning(nodes[1:])
    match first:
        case Character():
            return f"(?:{first.regex}{rest})?"
        case Place():
            return rest
        case _:
            return f"(?:{_part(first)}|{_text(first)}{rest})"


def _part(node: Repeat | Choice) -> str:
    """Beginnings of one node that holds others."""
    if isinstance(node, Choice):
        return "|".join(f"(?:{_beginning(branch)})" for branch in node.branches)
    begun = _beginning((node.item,))
    return begun if node.most is not None and node.most <= 1 else f"(?:{_text(node.item)})*{begun}"


def _sequence(nodes: Sequence) -> str:
    return "".join(map(_text, nodes))


def _text(node: Node) -> str:
    """A node as an expression again."""
    match node:
        case Character() | Place():
            return node.regex
        case Choice():
            return "(?:" + "|".join(map(_sequence, node.branches)) + ")"
        case Repeat():
            if node.most is not None and node.most <= 1:
                return f"(?:{_text(node.item)}){{{node.least},{node.most}}}"
            # uncounted: counting makes automata of a thousand times the size
            return f"(?:{_text(node.item)}){'+' if node.least else '*'}"
