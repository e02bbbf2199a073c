"""Numbers, money, units, dates and times in one form each, so that `ten lakh` is `10,00,000` and `5 pm` is `17:00`.

Nothing is converted (60 minutes stay so), a date that countries read differently (03/04/2025) stays, and `3.10` isn't `3.1`.
"""

import re

from appliance.cache.sameness.listed import listed

_SMALL = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = dict(zip(listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True))
_ONES = {word: value for value, word in enumerate(_SMALL)}
_SCALES = {
    "hundred": 100, "thousand": 10**3, "lakh": 10**5, "lakhs": 10**5, "lac": 10**5, "lacs": 10**5, "million": 10**6,
    "crore": 10**7, "crores": 10**7, "billion": 10**9,
}  # fmt: skip
_ORDINALS = listed(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_ORDINAL = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)$")
NUMBER = re.compile(r"^\d+(?:\.\d+)?$")
_GROUPED = re.compile(r"^\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?$")
_MONTHS = (
    listed("january february march april may june july august september october november december"),
    listed("jan feb mar apr may jun jul aug sep oct nov dec"),
)
MONTHS = {name: number for names in _MONTHS for number, name in enumerate(names, 1)} | {"sept": 9}
_DAYS = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "fri": "friday",
}
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_CLOCK = re.compile(r"^(\d{1,2})(?:[:.](\d{2}))?$")
_SUFFIXED = re.compile(r"^(\d[\d,]*(?:\.\d+)?)([A-Za-zµ°%\u0900-\u097f]+(?:/[a-z]+)?)$")
_CURRENCIES = {
    "$": "usd", "dollar": "usd", "dollars": "usd", "usd": "usd", "₹": "inr", "rs": "inr", "rs.": "inr", "inr": "inr",
    "rupee": "inr", "rupees": "inr", "€": "eur", "euro": "eur", "euros": "eur", "eur": "eur", "£": "gbp", "gbp": "gbp",
}  # fmt: skip
_CURRENCY_SIGNS = {
    "$": "usd",
    "₹": "inr",
    "€": "eur",
    "£": "gbp",
    "rs": "inr",
    "rs.": "inr",
    "inr": "inr",
    "usd": "usd",
    "eur": "eur",
}

# Canonical unit = the ways it is written. `m`, `b`, `t`, `in` alone stand for too many things.
_UNITS = """
kilometer km kms kilometers kilometre kilometres
meter metre meters metres m
centimeter cm cms centimeters centimetre centimetres
millimeter mm millimeters millimetre millimetres
mile miles mi
foot ft feet
inch inches
kilogram kg kgs kilograms kilo kilos kilogramme
gram g gm gms grams gramme grammes
milligram mg milligrams
liter l litre liters litres
milliliter ml milliliters millilitre millilitres
hour hr hrs h hours
minute min mins minutes
second sec secs s seconds
millisecond ms msec msecs milliseconds
day days
week wk wks weeks
month months
year yr yrs years
percent % percentage_sign pct
degc °c °C celsius_degrees
degf °f °F
kilowatt kw kW kilowatts
volt volts
watt watts
"""
UNITS = {written: line.split()[0] for line in _UNITS.strip().splitlines() for written in line.split()}
# Case tells bits from bytes.
_CASED_UNITS = {
    "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "Mb": "megabit", "Gb": "gigabit",
    "Kb": "kilobit", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte", "Mbps": "megabit/s",
    "mbps": "megabit/s", "Gbps": "gigabit/s", "gbps": "gigabit/s", "Kbps": "kilobit/s", "kbps": "kilobit/s", "MBps": "megabyte/s",
    "MB/s": "megabyte/s", "GB/s": "gigabyte/s", "kilobytes": "kilobyte", "megabytes": "megabyte", "gigabytes": "gigabyte",
    "terabytes": "terabyte", "gigs": "gigabyte", "kilobyte": "kilobyte", "megabyte": "megabyte", "gigabyte": "gigabyte",
    "terabyte": "terabyte", "megabits": "megabit", "gigabits": "gigabit", "MW": "megawatt", "mW": "milliwatt",
}  # fmt: skip


def unit_of(written: str) -> str | None:
    """The unit that this stands for directly after a number."""
    if len(written) == 1:  # 5G and 5M are neither grams nor metres
        return UNITS.get(written)
    return _CASED_UNITS.get(written) or UNITS.get(written) or UNITS.get(written.lower())


def split_suffix(chunk: str) -> list[str]:
    """`10km`, `20k`, `5pm` as number and what follows it; anything else as it came."""
    match = _SUFFIXED.match(chunk)
    if match is None:
        return [chunk]
    number, suffix = match.groups()
    if suffix in {"k", "K"}:
        return [_times(_plain(number), 1000)]
    if suffix.lower() in {"am", "pm", "lakh", "lakhs", "crore", "crores", "cr"}:
        return [_plain(number), "crore" if suffix.lower() == "cr" else suffix.lower()]
    unit = unit_of(suffix)
    return [_plain(number), unit] if unit is not None else [chunk]


def quantities(words: list[str]) -> list[str]:
    """Numbers, units, money, dates and times brought to one form. Words are as split, case kept where it tells units apart."""
    return _moments(_money(_units(_numbers([_ordinal(word) for word in words]))))


def _plain(number: str) -> str:
    return number.replace(",", "") if _GROUPED.match(number) else number


def _times(number: str, factor: int) -> str:
    whole, _, part = number.partition(".")
    scaled = int(whole + part) * factor
    if scaled % 10 ** len(part):
        return number + "*" + str(factor)
    return str(scaled // 10 ** len(part))


def _ordinal(word: str) -> str:
    match = _ORDINAL.match(word.lower())
    if match and 0 < int(match.group(1)) < len(_ORDINALS):
        return _ORDINALS[int(match.group(1))]
    return word


def _numbers(words: list[str]) -> list[str]:
    out: list[str] = []
    index = 0
    while index < len(words):
        value, used = _spelled(words, index)
        if used:
            out.append(value)
            index += used
            continue
        out.append(_plain(words[index]))
        index += 1
    return out


def _spelled(words: list[str], index: int) -> tuple[str, int]:
    """(digits, words used) of a number that begins here; ("", 0) where none does."""
    total, current, used, seen = 0, 0, 0, False
    first = _plain(words[index])
    if NUMBER.match(first):
        return _scaled(first, words, index + 1)
    if words[index].lower() in {"a", "an"} and index + 1 < len(words) and words[index + 1].lower() in _SCALES:
        current, used, seen = 1, 1, True
    while index + used < len(words) and used < 12:
        word = words[index + used].lower()
        if word in _ONES and (
            not seen or (current % 10 == 0 and ((current % 100 >= 20 and _ONES[word] < 10) or current % 100 == 0))
        ):
            current += _ONES[word]
        elif word in _TENS and (not seen or current % 100 == 0):
            current += _TENS[word]
        elif word in _SCALES and seen and current:
            current, total = (current * 100, total) if word == "hundred" else (0, total + current * _SCALES[word])
        elif word == "and" and seen and _follows_and(words, index + used):
            pass
        else:
            break
        seen, used = True, used + 1
    return (str(total + current), used) if seen else ("", 0)


def _follows_and(words: list[str], at: int) -> bool:
    """`one hundred and twenty` is one number; `two and three` are two."""
    following = words[at + 1].lower() if at + 1 < len(words) else ""
    return words[at - 1].lower() in _SCALES and (following in _ONES or following in _TENS)


def _scaled(number: str, words: list[str], after: int) -> tuple[str, int]:
    used = 1
    while after < len(words) and words[after].lower() in _SCALES and used < 4:
        number = _times(number, _SCALES[words[after].lower()])
        after, used = after + 1, used + 1
        if "*" in number:
            break
    return number, used


def _units(words: list[str]) -> list[str]:
    out: list[str] = []
    for index, word in enumerate(words):
        lower = word.lower()
        if out and NUMBER.match(out[-1]):
            if (
                lower in {"degrees", "degree"}
                and index + 1 < len(words)
                and words[index + 1].lower() in {"celsius", "fahrenheit", "c", "f"}
            ):
                continue
            if lower == "per" and index + 1 < len(words) and words[index + 1].lower() == "cent":
                continue
            unit = {"cent": "percent", "celsius": "degc", "fahrenheit": "degf"}.get(lower) or unit_of(word)
            if unit and not (lower in {"m", "h", "s", "l", "g", "mi"} and _clashes(word, words, index)):
                out.append(unit)
                continue
        out.append({"%": "percent"}.get(lower, word))
    return out


def _clashes(word: str, words: list[str], index: int) -> bool:
    """A single letter after a number is a unit only in lower case and before no other letter (`5 s` but not `5 S A`)."""
    return word != word.lower() or (index + 1 < len(words) and len(words[index + 1]) == 1)


def _money(words: list[str]) -> list[str]:
    out: list[str] = []
    index = 0
    while index < len(words):
        sign, following = words[index].lower(), words[index + 1] if index + 1 < len(words) else ""
        if sign in _CURRENCY_SIGNS and NUMBER.match(following):
            out.append(f"{following}_{_CURRENCY_SIGNS[sign]}")
            index += 2
        elif NUMBER.match(words[index]) and following.lower() in _CURRENCIES:
            out.append(f"{words[index]}_{_CURRENCIES[following.lower()]}")
            index += 2
        else:
            out.append(words[index])
            index += 1
    return out


def _moments(words: list[str]) -> list[str]:
    out: list[str] = []
    index = 0
    while index < len(words):
        moment, used = _date(words, index)
        if not used:
            moment, used = _time(words, index)
        out.append(moment if used else _DAYS.get(words[index].lower(), words[index]))
        index += used or 1
    return out


def _day(word: str) -> int:
    """The day of a month that a word names, or 0."""
    lower = word.lower()
    if lower in _ORDINALS:
        return _ORDINALS.index(lower)
    digits = re.match(r"^(\d{1,2})(?:st|nd|rd|th)?$", lower)
    return int(digits.group(1)) if digits and 0 < int(digits.group(1)) <= 31 else 0


def _date(words: list[str], index: int) -> tuple[str, int]:
    iso = _ISO.match(words[index])
    if iso:
        return f"date:{iso.group(1)}-{int(iso.group(2))}-{int(iso.group(3))}", 1
    rest = [word.lower() for word in words[index : index + 5]] + [""] * 5
    day, used = _day(rest[0]), 1
    if day and rest[1] == "of" and rest[2] in MONTHS:
        used = 2
    if day and rest[used] in MONTHS:
        return _with_year(f"{MONTHS[rest[used]]}-{day}", rest, used + 1)
    if rest[0] in MONTHS and (day := _day(rest[1])):
        return _with_year(f"{MONTHS[rest[0]]}-{day}", rest, 2)
    if rest[0] in MONTHS and re.match(r"^(?:19|20)\d\d$", rest[1]):
        return f"date:{rest[1]}-{MONTHS[rest[0]]}", 2
    return "", 0


def _with_year(day: str, rest: list[str], used: int) -> tuple[str, int]:
    at = used + 1 if rest[used] == "," else used
    if re.match(r"^(?:19|20)\d\d$", rest[at]):
        return f"date:{rest[at]}-{day}", at + 1
    return f"date:{day}", used


def _time(words: list[str], index: int) -> tuple[str, int]:
    match = _CLOCK.match(words[index])
    half = words[index + 1].lower() if index + 1 < len(words) else ""
    if match is None or int(match.group(2) or 0) > 59:
        return "", 0
    hour, minute = int(match.group(1)), int(match.group(2) or 0)
    if half in {"am", "pm"} and 1 <= hour <= 12:
        return f"time:{hour % 12 + (12 if half == 'pm' else 0)}:{minute:02}", 2
    if ":" in words[index] and hour > 12 and hour < 24:
        return f"time:{hour}:{minute:02}", 1
    return "", 0
