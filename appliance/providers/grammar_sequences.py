"""What stands between the brackets of an array and the braces of an object, as expressions of a GBNF grammar."""

from appliance.providers.grammar_rules import BLANK, GrammarRules

COMMA = f'"," {BLANK}'


def items(first: list[str], item: str | None, least: int, most: int | None) -> str:
    """Items between brackets: `first` all of them, then `least` to `most` of `item`."""
    if item is None:
        return f" {COMMA} ".join(first)
    if first:
        return f" {COMMA} ".join(first) + f" ({COMMA} {item}){repeat(least, most)}"
    if most == 0:
        return ""
    several = f"{item} ({COMMA} {item}){repeat(max(least - 1, 0), None if most is None else most - 1)}"
    return several if least else f"({several})?"


def repeat(least: int, most: int | None) -> str:
    if most is None:
        return "*" if least == 0 else f"{{{least},}}"
    return f"{{{least},{most}}}"


def members(grammar: GrammarRules, pairs: list[tuple[str, bool]], other: str | None) -> str:
    """What stands between the braces: (pair, whether it must be there) in order, then others; commas only between."""
    more = f"({COMMA} {other})*" if other else ""
    if all(needed for _, needed in pairs) and pairs:
        return f" {COMMA} ".join(pair for pair, _ in pairs) + f" {more}"
    # From the back: `after` is what may follow once something stands there, `first` what may where nothing does.
    after, first = more, f"({other} {more})?" if other else ""
    for pair, needed in reversed(pairs):
        tail = grammar.rule(after, "more") if after else ""
        head = grammar.rule(first, "first") if first else ""
        after = f"{COMMA} {pair} {tail}" if needed else f"({COMMA} {pair})? {tail}"
        first = f"{pair} {tail}" if needed else f"{pair} {tail} | {head}" if head else f"({pair} {tail})?"
    return f"({first})" if first else ""
