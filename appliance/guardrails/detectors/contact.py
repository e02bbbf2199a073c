"""E-mail addresses, also those written out for people (`ada (at) example dot org`), and India's payment addresses (UPI)."""

import re
from collections.abc import Iterable

from appliance.guardrails.context import AFTER, label
from appliance.guardrails.pattern import Found, Match, Pattern

_WORD = re.compile(r"\w+")

# Banks' and applications' handles, as their pages name them; others count beside the word UPI.
UPI_HANDLES = frozenset(
    _WORD.findall(
        """
        abfspay airtel airtelpaymentsbank albk allbank andb apb apl axis axisb axisbank axisgo axl barodampay
        barodapay bandhan boi cboi centralbank cmsidfc cnrb csbcash csbpay cub dbs dcb dlb equitas ezeepay fam fbl
        federal freecharge hdfcbank hdfcbankjd hsbc ibl icici icicibank idbi idbibank idfc idfcbank idfcfirst idfcnetc
        ikwik imobile indbank indianbank indus indusind iob jio jkb jsb jupiteraxis karb kaypay kbl kotak kotak811 kvb
        lvb mahb mairtel myicici naviaxis nsdl obc okaxis okhdfcbank okicici okkotak oksbi oksbibank okyesbank omni
        paytm payzapp pingpay pnb pockets postbank ptaxis pthdfc ptsbi ptyes rajgovhdfcbank rapl rbl s2b sbi sc scb
        sib slice srcb superyes syndbank tapicici timecosmos uboi ubi uco unionbank unionbankofindia united upi utbi
        vijb waaxis wahdfcbank waicici wasbi yapl ybl yesb yesbank yesbankltd yespay yespop
        """
    )
)
NEVER_HOSTS = frozenset({"the", "a", "an", "this", "that", "my", "your", "our", "its", "least", "last", "first", "home"})
LENGTH_MAX = 320
FILES = frozenset(
    _WORD.findall(
        """
        png jpg jpeg gif svg webp css js ts json html htm xml md txt py so dll zip gz pdf
        """
    )
)
ENDINGS = frozenset(
    _WORD.findall(
        """
        com org net in edu gov info biz io co ai dev app me uk us de fr es it nl eu ch at au ca jp br mx health hu
        """
    )
)


def judge(match: Match) -> Iterable[Found]:
    if match.end - match.start > LENGTH_MAX:
        return
    local, _, host = match.value.partition("@")
    before = match.before(1)
    if before == "@" or match.before(2) == "//" or (before and before.isalnum()) or match.after(1) == "@":
        return  # of another address, or a user before a URL's host
    start = match.start + len(local) - len(local.lstrip("'.-"))
    local, host = local.lstrip("'.-"), host.rstrip(".-")
    span = start, start + len(local) + 1 + len(host)
    if not local or len(local) > 64 or local[-1] == "." or ".." in local or ".." in host:
        return
    ending = host.rpartition(".")[2]
    if "." not in host:
        yield from _upi(match, local, host, span)
    elif ending.isalpha() and 2 <= len(ending) <= 24 and ending.lower() not in FILES:
        yield Found("EMAIL", _email(match, local), span)


def _email(match: Match, local: str) -> float:
    if match.before(1) == ":" and "//" in match.before(80).split()[-1:][0]:
        return 0.3  # a password in a URL
    return 0.4 if local == "git" and match.after(1) in (":", "/") else 0.95


def _upi(match: Match, local: str, handle: str, span: tuple[int, int]) -> Iterable[Found]:
    if len(local) < 2 or "%" in local or "+" in local or not handle.isalnum() or match.after(1) == "-":
        return
    named = label(match.text, *span) == "UPI_ID"
    if handle.lower() in UPI_HANDLES:
        yield Found("UPI_ID", 0.97 if named else 0.85, span)
    elif named and handle.isalpha():
        yield Found("UPI_ID", 0.75, span)


def judge_written_out(match: Match) -> Iterable[Found]:
    if match.end - match.start > LENGTH_MAX or match.before(1).isalnum() or match.after(1).isalnum():
        return
    said = match.value.lower()
    ending = said.rsplit("dot", 1)[-1].rsplit(".", 1)[-1].strip(" )]}")
    bracketed = any(one in said for one in ("(at)", "[at]", "{at}", "<at>", "( at )", "[ at ]", "_at_", " @ "))
    host = re.split(r" at |at\W| @ ", said)[-1].split()[:1]
    if ending in ENDINGS and host[0] not in NEVER_HOSTS and (bracketed or " dot " in said or "dot)" in said or "dot]" in said):
        yield Found("EMAIL", 0.85 if bracketed else 0.7)


def judge_spelt(match: Match) -> Iterable[Found]:
    if (
        match.end - match.start <= LENGTH_MAX
        and not match.before(1).isalnum()
        and match.value.replace(" ", "").rpartition(".")[2].lower() in ENDINGS
    ):
        yield Found("EMAIL", 0.8)


_NAME = r"[A-Za-z0-9\xe9][A-Za-z0-9._+\-\xe9]*"
_AT = r"(?: ?(?:\( ?at ?\)|\[ ?at ?\]|\{ ?at ?\}|<at>|_at_) ?| at | @ )"
_DOT = r"(?: ?(?:\( ?dot ?\)|\[ ?dot ?\]|\{ ?dot ?\}|<dot>|_dot_|\[\.\]|\(\.\)) ?| dot | ?\. ?)"

PATTERNS = (
    Pattern(
        name="contact",
        types=("EMAIL", "UPI_ID"),
        regex=r"[A-Za-z0-9._%+'\-\xe9]+@[A-Za-z0-9\xe9][A-Za-z0-9.\-\xe9]*",
        judge=judge,
        length_max=LENGTH_MAX,
        looks_after=AFTER,
    ),
    Pattern(
        name="contact_written_out",
        types=("EMAIL",),
        regex=rf"(?i)\b{_NAME}(?:{_DOT}{_NAME})*{_AT}[A-Za-z0-9\xe9][A-Za-z0-9\-\xe9]*(?:{_DOT}[A-Za-z]{{2,24}})+",
        judge=judge_written_out,
        looks_after=1,
    ),
    Pattern(
        name="contact_spelt",
        types=("EMAIL",),
        regex=r"\b[A-Za-z0-9](?: [A-Za-z0-9._+\-])+ @(?: [A-Za-z0-9\-])+ \.(?: [A-Za-z0-9.\-])+ [A-Za-z]\b",
        judge=judge_spelt,
        length_max=210,
    ),
)
