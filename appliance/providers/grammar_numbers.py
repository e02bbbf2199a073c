"""Numbers between bounds, as expressions of a GBNF grammar. Text of digits only; signs and bounds without ifs at run time."""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

INTEGER = '"0" | "-"? [1-9] [0-9]{0,15}'
NUMBER = '"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?'
DIGITS_MAX = 18  # of bounds: beyond, doubles can't tell neighbours apart
_FRACTION_DIGITS = 4

_Range = Callable[[int, int | None], str]  # alternatives for the naturals from one bound to another; None: open


def integers(low: Decimal | None, high: Decimal | None) -> str | None:
    """Integers from `low` to `high`, both included, None: open. None where there are none."""
    least = None if low is None else int(low.to_integral_value(ROUND_CEILING))
    most = None if high is None else int(high.to_integral_value(ROUND_FLOOR))
    return _with_signs(least, most, _naturals)


def numbers(low: Decimal | None, high: Decimal | None, *, low_open: bool = False, high_open: bool = False) -> str | None:
    """Decimal fractions between bounds that may be excluded; as many digits behind the point as the bounds have, 4 at least."""
    digits = max(_FRACTION_DIGITS, *(_fraction_digits(bound) for bound in (low, high) if bound is not None), 0)
    unit = 10**digits
    with localcontext(prec=2 * DIGITS_MAX + digits):
        least = None if low is None else int((low * unit).to_integral_value(ROUND_CEILING)) + int(low_open)
        most = None if high is None else int((high * unit).to_integral_value(ROUND_FLOOR)) - int(high_open)
    return _with_signs(least, most, lambda a, b: _fixed_point(a, b, digits))


def _fraction_digits(bound: Decimal) -> int:
    exponent = bound.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _with_signs(least: int | None, most: int | None, positive: _Range) -> str | None:
    if least is not None and most is not None and least > most:
        return None
    alternatives = []
    if most is None or most >= 0:
        alternatives.append(positive(max(least or 0, 0), most))
    if least is None or least < 0:
        alternatives.append(f'"-" ({positive(1 if most is None or most >= 0 else -most, None if least is None else -least)})')
    return " | ".join(alternatives)


def _naturals(low: int, high: int | None) -> str:
    """Alternatives for low ≤ n ≤ high, without leading zeros; an open end means a few digits more than `low` has."""
    if high is None:
        high = 10 ** max(16, len(str(low)) + 1) - 1
    alternatives = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (length - 1) if length > 1 else 0)
        last = min(high, 10**length - 1)
        alternatives.append(_same_length(str(first), str(last)))
    return " | ".join(alternatives)


def _fixed_point(low: int, high: int | None, digits: int) -> str:
    """Alternatives for low ≤ n ≤ high where the last `digits` digits stand behind the point."""
    unit = 10**digits
    whole_low, rest_low = divmod(low, unit)
    first = f'"{whole_low}." {_at_least(f"{rest_low:0{digits}}")}' + (f' | "{whole_low}"' if rest_low == 0 else "")
    if high is None:
        return f'{first} | ({_naturals(whole_low + 1, None)}) ("." [0-9]{{1,{digits}}})?'
    whole_high, rest_high = divmod(high, unit)
    if whole_low == whole_high:
        inside = f'"{whole_low}." ({_same_length(f"{rest_low:0{digits}}", f"{rest_high:0{digits}}")})'
        return inside + (f' | "{whole_low}"' if rest_low == 0 else "")
    last = f'"{whole_high}." {_at_most(f"{rest_high:0{digits}}")} | "{whole_high}"'
    between = ""
    if whole_low + 1 < whole_high:
        between = f' | ({_naturals(whole_low + 1, whole_high - 1)}) ("." [0-9]{{1,{digits}}})?'
    return f"{first}{between} | {last}"


def _same_length(low: str, high: str) -> str:
    """Digit strings from `low` to `high`, which are of one length."""
    same = 0
    while same < len(low) and low[same] == high[same]:
        same += 1
    prefix = f'"{low[:same]}" ' if same else ""
    if same == len(low):
        return prefix.strip()
    a, b, tail = low[same], high[same], len(low) - same - 1
    alternatives = [f"[{a}] {_at_least(low[same + 1 :])}"]
    if int(b) - int(a) > 1:
        alternatives.append(f"[{int(a) + 1}-{int(b) - 1}] {_any(tail)}")
    alternatives.append(f"[{b}] {_at_most(high[same + 1 :])}")
    return f"{prefix}({' | '.join(part.strip() for part in alternatives)})"


def _at_least(low: str) -> str:
    if not low.strip("0"):
        return _any(len(low))
    tail = low[1:]
    alternatives = [f"[{low[0]}] {_at_least(tail)}"]
    if low[0] != "9":
        alternatives.append(f"[{int(low[0]) + 1}-9] {_any(len(tail))}")
    return f"({' | '.join(part.strip() for part in alternatives)})"


def _at_most(high: str) -> str:
    if not high.strip("9"):
        return _any(len(high))
    tail = high[1:]
    alternatives = [f"[{high[0]}] {_at_most(tail)}"]
    if high[0] != "0":
        alternatives.insert(0, f"[0-{int(high[0]) - 1}] {_any(len(tail))}")
    return f"({' | '.join(part.strip() for part in alternatives)})"


def _any(count: int) -> str:
    return f"[0-9]{{{count}}}" if count else ""
