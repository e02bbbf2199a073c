"""Order that carries no meaning, brought to one form: a fronted adverbial goes to the end, the parts of a comparison are sorted.

Everything else keeps its order: `from A to B`, who does what to whom, steps, verbs in a row (`stop and start`), and lists whose
ends aren't plain, since `old men and women` isn't `old women and men`.
"""

import re

_STARTS = (
    r"(?:@how|@how-we|@define|@meaning|@about|@cost|what|who|whom|whose|where|when|why|which|how|is|are|can|could|do|does|did|should|will|"
    r"write|draft|create|make|generate|explain|describe|list|summarize|give|show|compare|calculate|convert|suggest|drop|remove|delete)\b"
)
_PREPOSITION = r"(?:in|for|using|with|at|on|under|during|within|inside|by)"
_CLAUSE = r"(?:if|when|after|before|while|because|until|unless|once)"
_FRONTED = re.compile(rf"^((?:{_PREPOSITION}|{_CLAUSE}) [^,:()]+?) , (?:then )?({_STARTS}[^,:()]*)$")
_FRONTED_BARE = re.compile(
    r"^((?:in|for|using) [^,:() ]+(?: [^,:() ]+)?) ((?:@how|what is|what are|how does|how do|how can|how to)\b[^,:()]*)$"
)
_SCOPED = re.compile(r"\b(?:and|or|not|only|but|except|without|no|never|all|any|if|when|unless)\b")
_BETWEEN = re.compile(
    r"\bdifference between ([^,:()]+?) and ([^,:()]+?)(?= (?:in|for|when|with|at|of|as|on|under|using|to|by)\b|$)"
)
_COMPARED = re.compile(r"^compare ([^,:()]+?) (?:and|to|with|versus) ([^,:()]+?)(?= (?:in|for|when|at|on|by|using)\b|$)")
_NAMED = re.compile(r"([^ ,:()]+) (and|or) ([^ ,:()]+)")
_ORDERED = re.compile(
    r"\b(?:respectively|former|latter|then|first|second|order|sequence|before|after|from|minus|followed|divide|subtract|ratio)\b"
)
_ARTICLE = re.compile(r"^(?:the|a|an) ")


def ordered(sentence: str, names: frozenset[str]) -> str:
    """The sentence in the one order that stands for all harmless ones.

    Shapes:  words joined by blanks, frames already taken off; `names` are words that were capitalised within the text.
    """
    sentence = fronted(sentence)
    if not _ORDERED.search(sentence):
        sentence = _BETWEEN.sub(lambda found: f"difference between {_sorted_pair(found[1], 'and', found[2])}", sentence, count=1)
        sentence = _COMPARED.sub(lambda found: f"compare {_sorted_pair(found[1], 'and', found[2])}", sentence, count=1)
        sentence = _named_list(sentence, names)
    return sentence


def fronted(sentence: str) -> str:
    """A fronted adverbial or clause at the end, where nothing in what follows could take it for its own."""
    for pattern in (_FRONTED, _FRONTED_BARE):
        match = pattern.match(sentence)
        if match and not _SCOPED.search(match.group(2)) and not re.search(r"\b(?:and|or)\b", match.group(1)):
            return f"{match.group(2)} {match.group(1)}"
    return sentence


def _sorted_pair(left: str, conjunction: str, right: str) -> str:
    if re.search(r"\b(?:and|or|versus|to|as)\b|\d", f"{left} {right}"):
        return f"{left} {conjunction} {right}"
    return f" {conjunction} ".join(sorted((left, right), key=lambda part: _ARTICLE.sub("", part)))


def _named_list(sentence: str, names: frozenset[str]) -> str:
    """`Gujarat and Maharashtra` sorted where both are names and the conjunction is the sentence's only one."""
    if (
        len(re.findall(r" (?:and|or) ", sentence)) != 1
        or "," in sentence
        or re.search(r"\bdifference between|^compare ", sentence)
    ):
        return sentence
    match = _NAMED.search(sentence)
    if match and match[1] in names and match[3] in names and not _within_name(sentence, match, names):
        return sentence[: match.start()] + _sorted_pair(match[1], match[2], match[3]) + sentence[match.end() :]
    return sentence


def _within_name(sentence: str, match: re.Match[str], names: frozenset[str]) -> bool:
    """A name of two words beside the conjunction: `New Delhi and Goa` isn't `Goa and Delhi` with a `New` left over."""
    before, after = sentence[: match.start()].split(), sentence[match.end() :].split()
    return bool((before and before[-1] in names) or (after and after[0] in names))
