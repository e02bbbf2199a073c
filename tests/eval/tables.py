"""Tables of the report, in Markdown."""

from collections.abc import Callable, Sequence

from tests.eval.lines import Count

Column = tuple[str, Callable[[Count], str]]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is words, the others figures."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(one.replace("|", "\\|") for one in line) + " |" for line in lines)


def number(value: int | None) -> str:
    return "" if value is None else str(value)


FOUND: list[Column] = [
    ("labelled", lambda one: number(one.labels)),
    ("found", lambda one: number(one.found)),
    ("missed", lambda one: number(one.missed)),
]
WRONG: list[Column] = [
    ("wrong", lambda one: number(one.wrong)),
    ("F1", lambda one: "" if one.f1 is None or not one.labels else f"{one.f1:.3f}"),
]
FALSE: list[Column] = [("harmless texts", lambda one: number(one.harmless)), ("false alarms", lambda one: number(one.false))]


def columns_of(counts: Sequence[Count]) -> list[Column]:
    """Those of which some row has something to say."""
    return [
        *(FOUND if any(one.labels is not None for one in counts) else []),
        *(WRONG if any(one.wrong is not None for one in counts) else []),
        *(FALSE if any(one.harmless is not None for one in counts) else []),
    ]


def beside(count: Count | None) -> str:
    """A peer's, in one column: what it found, then what it found wrongly."""
    if count is None:
        return "-"
    said = [f"{count.found} found"] if count.labels else []
    said += [f"{count.wrong} wrong"] if count.wrong else []
    said += [f"{count.false} false"] if count.harmless else []
    return ", ".join(said) or "-"


def table(ours: dict[str, Count], peers: dict[str, dict[str, Count]]) -> str:
    """`peers`: by title, the same table's rows. What only a peer found (wrongly, as we have no such row) has a row too."""
    names = sorted({*ours, *(name for rows in peers.values() for name in rows)})
    columns = columns_of(list(ours.values()))
    head = ["", *(title for title, _ in columns), *peers]
    nothing = Count(0, 0, 0)
    rows = [
        [name, *(cell(ours.get(name, nothing)) for _, cell in columns), *(beside(rows.get(name)) for rows in peers.values())]
        for name in names
    ]
    return markdown(head, rows)
