"""What proves that somebody holds a card, and may not be kept by anybody (PCI DSS 3.3.1): verification codes, PINs, track data."""

from collections.abc import Iterable

from appliance.guardrails.check_digits import luhn
from appliance.guardrails.pattern import Found, Match, Pattern

_JOINT = r"(?:[ \t]{0,3}(?:no|number|code|is|was|#|:|=|\"|'|\(|\)|-|->))*[ \t]{0,3}[\"'(\[]?"


def _code(kind: str, shortest: int, longest: int) -> Pattern:
    def judge(match: Match) -> Iterable[Found]:
        if shortest <= len(match.group(1)) <= longest and not _goes_on(match.after(2)):
            yield Found(kind, 0.9, match.span(1))

    words = {
        "CARD_CVV": r"\bcvv2?|\bcvc2?|\bcvn2?|\bcard[ _-](?:verification|security)[ _-](?:code|value|number)|\bkartenpr\xe9fnummer"
        r"|[_\"']cv[vc]2?",
        "CARD_PIN": r"\b(?:atm|card|debit|credit card|debit card)[ _-]pin|[_\"'](?:atm|card)_?pin",
    }[kind]
    return Pattern(
        name=kind.lower(),
        types=(kind,),
        regex=rf"(?i)(?:{words}){_JOINT}([0-9]+)",
        judge=judge,
        length_max=96,
        looks_after=2,
    )


def _goes_on(after: str) -> bool:
    """The digits are part of something longer."""
    return after[:1].isalnum() or (after[:1] in ".,-/" and after[1:2].isdigit())


def _track(match: Match) -> Iterable[Found]:
    if 12 <= len(match.group(1)) <= 19 and luhn(match.group(1)):
        yield Found("CARD_TRACK", 0.97)


PATTERNS = (
    _code("CARD_CVV", 3, 4),
    _code("CARD_PIN", 4, 6),
    Pattern(
        name="card_track1", types=("CARD_TRACK",), regex=r"%[Bb]([0-9]+)\^[^^\n]+\^[0-9]+[^?\n]*\??", judge=_track, length_max=96
    ),
    Pattern(name="card_track2", types=("CARD_TRACK",), regex=r";([0-9]+)=[0-9]+\??", judge=_track, length_max=48),
)
