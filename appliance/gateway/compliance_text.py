"""A compliance report as a page that people read and print (Markdown)."""

from collections.abc import Iterable, Sequence

from appliance.gateway.compliance import ComplianceReport, PackException

_EXCEPTIONS = {
    "not_under_it": "Requests under other policies",
    "let_pass": "Found, and let pass (flagged only)",
    "uninspected": "Content that no detector reads",
}


def as_markdown(report: ComplianceReport) -> str:
    """Types and counts: no value is in a report, since none is in the ledger or the audit."""
    unfound = "\n".join(f"- {one}" for one in report.not_found_here) or "The policy names nothing."
    parts = [
        f"# {report.title or report.pack}: {_day(report.begin)} to {_day(report.end)}",
        f"Policy `{report.pack}` in version {report.version}. Made at {report.made_at}.",
        "Findings are counted by type; values are kept nowhere.",
        "\n".join(f"- {line}" for line in _summary(report)),
        f"## Findings\n\n{_findings(report)}",
        f"## Exceptions\n\n{_exceptions(report.exceptions)}",
        f"## What is not found on this machine\n\n{unfound}",
        f"## Changes of policies\n\n{_changes(report)}",
        f"## Rules\n\n{_rules(report)}",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(report: ComplianceReport) -> list[str]:
    chain = "holds" if report.audit.holds else "IS BROKEN"
    return [
        f"Requests: {report.requests:,}, of which {report.requests_under_it:,} were under this policy",
        f"Where an inspection fails: {'the request is refused' if report.fail == 'closed' else 'the request passes'}",
        f"Rows of requests are kept {_kept(report.kept_days)}",
        f"The audit's chain {chain} over {report.audit.rows:,} rows; it ends with `{report.audit.hash}`",
    ]


def _kept(days: int | None) -> str:
    return f"at least {days} days" if days else "as long as each organisation's rule says"


def _findings(report: ComplianceReport) -> str:
    rows = [
        (one.type, one.direction, one.action + " (shadow)" * one.is_shadow, f"{one.count:,}", f"{one.requests:,}", one.answers_to)
        for one in report.findings
    ]
    head = ("type", "direction", "done", "findings", "requests", "answers to")
    return _table(head, rows, "Nothing that this policy regulates was found.")


def _changes(report: ComplianceReport) -> str:
    rows = [
        (
            str(one.seq),
            one.at,
            one.actor,
            one.action,
            one.target,
            ", ".join(f"{name} {value}" for name, value in one.detail.items()),
        )
        for one in report.changes
    ]
    more = "\n\nThere were more than these; ask for a shorter time." if report.more_changes else ""
    return _table(("row", "at", "by", "what", "of", "more"), rows, "None.") + more


def _rules(report: ComplianceReport) -> str:
    rows = [
        (", ".join(one.types), one.input, one.output, "yes" if one.stays_here else "", one.answers_to) for one in report.rules
    ]
    return _table(("types", "input", "output", "stays here", "answers to"), rows, "None.")


def _day(moment: str) -> str:
    return moment.removesuffix("T00:00:00.000Z")


def _exceptions(found: Sequence[PackException]) -> str:
    rows = [(_EXCEPTIONS[one.kind], one.what, f"{one.count:,}", f"{one.requests:,}") for one in found]
    return _table(("kind", "what", "how often", "requests"), rows, "None.")


def _table(head: Sequence[str], rows: Sequence[Iterable[str]], none: str) -> str:
    if not rows:
        return none
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
