"""What looking through texts costs, in this thread's own time: all detectors, names among them.

    python -m tests.bench.guard

Texts are made here: prose, JSON, code and a `.env` file full of secrets, at several lengths; each by itself and mixed. Every try
has a text of its own, as the secrets of real ones are new too. A stream's pieces have four characters.
"""

import random
import string
import time
from collections.abc import Callable, Iterable

from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
_SEED = 7
_PEOPLE = ("Priya Raghunathan", "Marguerite Fontaine", "Tom Lindqvist", "Asha Verma", "Chinedu Eze")
_PROSE = (
    "The committee met again on Tuesday to discuss whether the new library should open at weekends, and who would pay for it. ",
    "Our supplier in Hamburg says that the second delivery left on the 14th and will be three days late because of the storm. ",
    "{person} asked for a copy of the minutes; please send them to {mail} before Friday. ",
    "In the meantime the old rooms stay open, from nine to five, and nobody has to book a place. ",
    "Call {phone} if anything is unclear. The invoice ({number}) will be paid next month.\n\n",
)
_CODE = (
    "def total(prices: list[float], rate: float = 0.19) -> float:\n    return sum(price * (1 + rate) for price in prices)\n\n",
    "class Basket:\n    def __init__(self, owner: str) -> None:\n        self.owner = owner\n        self.lines = []\n\n",
    "for (let i = 0; i < rows.length; i++) {{\n  const row = rows[i];\n  if (row.id === {number}) return row.name.trim();\n}}\n",
    "SELECT id, name, created_at FROM users WHERE email = '{mail}' ORDER BY created_at DESC LIMIT 20;\n",
)
_JSON = (
    '{{"id": {number}, "name": "{person}", "email": "{mail}", "active": true, "score": 0.731, "tags": ["a", "b"]}},\n',
    '{{"at": "2026-01-04T10:00:01Z", "path": "/v1/orders/{number}", "status": 200, "took_ms": 12.5, "trace": "{hex}"}},\n',
    '{{"order": "{number}", "items": [{{"sku": "AB-{number}", "count": 2, "price": "12.50"}}], "note": "leave it there"}},\n',
)
_ENV = (
    "DATABASE_URL=postgres://shop:{secret}@db.internal:5432/shop\n",
    "AWS_SECRET_ACCESS_KEY={secret}\n",
    "SESSION_SECRET={secret}\nLOG_LEVEL=info\n",
    "SMTP_PASSWORD='{secret}'\nSMTP_HOST=mail.internal\n",
    "STRIPE_API_KEY={secret}\nPORT=8080\nDEBUG=false\n",
)
KINDS = {"prose": _PROSE, "json": _JSON, "code": _CODE, "env": _ENV}


def text_of(kind: str, length: int, seed: int = 0) -> str:
    source = random.Random(f"{_SEED} {kind} {seed}")
    parts: list[str] = []
    size = 0
    while size < length:
        line = source.choice(KINDS[kind] if kind != "mixed" else KINDS[source.choice(list(KINDS))])
        line = line.format(
            person=source.choice(_PEOPLE),
            mail=f"{_drawn(source, string.ascii_lowercase, 6)}@example.org",
            phone=f"+91 9{_drawn(source, string.digits, 4)} {_drawn(source, string.digits, 5)}",
            number=_drawn(source, string.digits, 7),
            hex=_drawn(source, "0123456789abcdef", 32),
            secret=_drawn(source, string.ascii_letters + string.digits, 32),
        )
        parts.append(line)
        size += len(line)
    return "".join(parts)[:length]


def _drawn(source: random.Random, letters: str, count: int) -> str:
    return "".join(source.choices(letters, k=count))


def microseconds(work: Callable[[str], object], texts: Iterable[str]) -> float:
    """The least of some texts alike, in this thread's own time."""
    least = float("inf")
    for text in texts:
        begun = time.thread_time_ns()
        work(text)
        least = min(least, time.thread_time_ns() - begun)
    return least / 1_000


def figures(guard: Guard) -> dict[str, tuple[float, str]]:
    guard.warm()
    found: dict[str, tuple[float, str]] = {}
    print(
        f"\n{'guard':8} " + "".join(f"{length:>14,}" for length in LENGTHS) + "   µs a kB, by characters; in a stream, µs a piece"
    )
    for kind in (*KINDS, "mixed"):
        costs = [
            microseconds(
                lambda text: guard.found([text]), (text_of(kind, length, seed) for seed in range(3 if length > 1e5 else 9))
            )
            * (1_000 / length)
            for length in LENGTHS
        ]
        pieces = microseconds(lambda text: _streamed(guard, text), (text_of(kind, 4_000, seed) for seed in range(10, 15))) / 1_000
        print(f"{kind:8} " + "".join(f"{cost:14,.0f}" for cost in costs) + f"{pieces:10.0f}")
        found[f"guard_us_per_kb_{kind}"] = (round(costs[1]), "us")
        found[f"guard_us_per_piece_{kind}"] = (round(pieces), "us")
    found["guard_us_per_kb"] = found["guard_us_per_kb_mixed"]
    each = [
        microseconds(lambda text: guard.found([text]), (text_of(kind, 200, seed) for seed in range(start, start + 5)))
        for kind in KINDS
        for start in range(0, 50, 5)
    ]
    found["guard_us_200_chars"] = (round(sum(each) / len(each)), "us")
    return found


def _streamed(guard: Guard, text: str) -> None:
    window = guard.window(lambda part, found: part)
    for start in range(0, len(text), 4):
        window.feed(text[start : start + 4])
    window.last()


def main() -> None:
    guard = make_guard(lambda key: False)
    for name, (value, unit) in figures(guard).items():
        print(f"figure {name} {value} {unit}")


if __name__ == "__main__":
    main()
