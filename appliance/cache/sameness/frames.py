"""What is said around an English question and doesn't change it: greetings, politeness, and the ways to put a question.

`can you tell me how to X`, `how do I X` and `how to X` become `@how X`; `could you please write X` becomes `write X`. A sentence
is its words joined by blanks. Every pattern is anchored at the sentence's begin or end, so what is asked about is never touched.
An *embedded* question (`tell me where the office is`) keeps its order; alignment.py knows how it differs from a direct one.
"""

import re
from typing import NamedTuple

from appliance.cache.sameness.listed import listed

WH = r"(?:what|who|whom|whose|where|when|why|which|how)"
_AUX = r"(?:is|are|was|were|do|does|did|can|could|will|would|should|may|must|has|have|had|am)"
ACTIONS = listed(
    "write draft compose create make generate prepare explain describe tell show give list summarize translate "
    "rewrite rephrase paraphrase convert share send provide suggest propose recommend check find help compare "
    "calculate compute review fix debug correct proofread draft design build implement plan outline name define "
    "analyze classify extract format sort add remove edit shorten expand simplify elaborate clarify book schedule "
    "remind search look walk guide identify highlight let count estimate solve prove optimize refactor test update "
    "change set turn open close"
)
_ACTION = rf"(?:{'|'.join(ACTIONS)})\b"
_GERUNDS = {
    (action[:-1] if action.endswith("e") else action + action[-1] if action in {"set", "plan"} else action) + "ing": action
    for action in ACTIONS
}
_FOLLOWING = rf"(?=(?:{WH}|{_AUX}|{_ACTION}|please|kindly|i|my|we|our|you|this|the|in|for|if|sorry|need|just|quick|,|\.|@))"
_GREETED = r"(?: (?:there|all|team|everyone|everybody|sir|madam|folks|guys|assistant|friend|sir/madam|bot))*"

_BEFORE = [
    re.compile(pattern)
    for pattern in (
        rf"^(?:hi|hello|hey|dear|greetings|namaste|good (?:morning|afternoon|evening|day)){_GREETED}(?: ,)?(?: {_FOLLOWING}|$)",
        r"^(?:please|kindly)(?: ,| (?!(?:the|a|an|my|our|your|his|her|their|this|that|all|every)\b)|$)",
        r"^(?:so|ok|okay|well|right|great|and|but) , ",
        (
            rf"^(?:sorry (?:to bother|for bothering|to disturb)(?: you)?|excuse me|(?:just )?a? ?quick question)"
            rf"(?: [,:-])?(?: but)?(?: {_FOLLOWING}|$)"
        ),
        r"^(?:i have a (?:quick )?question)(?: [,:-])?(?: |$)",
        r"^(?:i )?hope you are (?:doing )?well(?: ,)?(?: |$)",
    )
]
_AFTER = [
    re.compile(pattern)
    for pattern in (
        r"(?: ,)? (?:many )?(?:thanks|thank you|cheers)(?: (?:in advance|so much|very much|a lot))?$",
        r"(?: ,)? if you do not mind$",
        r"(?: ,)? if you would not mind$",
        r"(?: ,)? please$",
        r"(?: ,)? if you (?:can|could)$",
    )
]
_ALONE = re.compile(
    rf"^(?:(?:many )?(?:thanks|thank you|cheers)(?: (?:in advance|so much|very much|a lot))?|(?:hi|hello|hey){_GREETED}"
    r"|i (?:would )?(?:really )?appreciate (?:it|your help)|much appreciated|quick question|please help(?: me)?)$"
)
_YOU = r"(?:can|could|would|will) you(?: please| kindly)?(?: be able to)?"
_DO_FOR_ME = [
    re.compile(pattern)
    for pattern in (
        rf"^{_YOU}(?: please| kindly)? (?:help me(?: to)? )?(?={_ACTION})",
        rf"^(?:would it be possible for you to|is it possible for you to|are you able to|would you be able to) (?={_ACTION})",
        rf"^i (?:want|need|would like|would love) you to (?={_ACTION})",
        rf"^i would (?:appreciate(?: it)?|be grateful|be glad) if you (?:could|would|can) (?={_ACTION})",
        rf"^i (?:was|am) wondering if you (?:could|can|would) (?={_ACTION})",
        r"^(?:please )?help me(?: to)? (?=(?:write|draft|understand)\b)",
    )
]
_MIND = re.compile(rf"^(?:would|do) you mind ({'|'.join(_GERUNDS)})\b")
_KNOW = [
    re.compile(pattern)
    for pattern in (
        r"^(?:please )?tell (?:me|us) (?={ask})",
        r"^(?:please )?(?:explain|show|describe)(?: to)?(?: me| us)? (?={ask})",
        r"^do you know (?!@how|how to)(?={ask})",
        r"^(?:any idea|(?:do you )?have any idea) (?={ask})",
        r"^i (?:want|need|would like|would love|wish) to (?:know|understand|learn|find out) (?={ask})",
        r"^(?:i am|i was|just) (?:wondering|curious(?: about)?|wanting to know) (?={ask})",
        r"^(?:may|can|could) i (?:please )?(?:know|ask) (?={ask})",
        r"^(?:please )?let (?:me|us) know (?={ask})",
        rf"^(?:{_YOU} )?help me(?: to)? understand (?={{ask}})",
        r"^understand (?={ask})",
        r"^(?:i do not|i am not sure|i am unsure|i have no idea|not sure|no idea)(?: know)? (?={ask})",
        r"^please (?:advise|guide me)(?: on)? (?={ask})",
    )
]
_ASK = rf"(?:{WH}|@how|@define|@meaning|if|whether)\b"
_KNOWS = [re.compile(pattern.pattern.replace("{ask}", _ASK)) for pattern in _KNOW]
_YOU_STATES = (
    "feel|think|know|handle|see|cope|look|sound|learn|work|make decisions|deal|manage|like|remember|decide|find|sleep|process"
)
_WAY = r"(?:the )?(?:right |correct )?(?:way|method|procedure|process|steps?)"
_HOW = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^how (?:do|can|could|would|might|may) (?:i|1) (?=\w)", "@how "),
        (r"^how does 1 (?=\w)", "@how "),
        (rf"^how (?:do|can) you (?!(?:{_YOU_STATES})\b)(?=\w)(?!.*\b(?:you|your|yours)\b)", "@how "),
        (r"^how to (?=\w)", "@how "),
        (rf"^(?:(?:what is|what are|explain|describe|give me|give|show me|tell me|share) )?{_WAY} to (?=\w)", "@how "),
        (
            r"^what steps (?:do i (?:need to )?(?:follow|take)|should i (?:follow|take)|are (?:needed|required)) to (?=\w)",
            "@how ",
        ),
        (rf"^what (?:is|are) {_WAY} (?:for|of) (?=\w+ing\b)", "@how ~"),
        (r"^what do i (?:need to |have to )?do to (?=\w)", "@how "),
        (r"^i (?:want|need|would like) to know (?:the )?(?:procedure|process|steps?|way) (?:to|for) (?=\w)", "@how "),
        (r"^how (?:do|can|could) we (?=\w)", "@how-we "),
    )
]
_WHAT = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^what (?:does|do) (.+) (?:mean|stand for)$", r"@meaning \1"),
        (r"^what is (?:the )?(?:meaning of|meant by) (.+)$", r"@meaning \1"),
        (r"^what do you mean by (.+)$", r"@meaning \1"),
        (r"^(?:the )?meaning of (.+)$", r"@meaning \1"),
        (r"^(?:what is|give me|give) (?:the |a )?definition of (.+)$", r"@define \1"),
        (r"^define (?:the term )?(.+)$", r"@define \1"),
        (r"^(?:is it possible|am i able) to (?=\w)", "can i "),
        (r"^is it possible for me to (?=\w)", "can i "),
        (r"^am i (?:permitted) to (?=\w)", "am i allowed to "),
        (r"^what is the (?:cost|price) of ((?:a|an|the|1|this|our|your) .+)$", r"@cost \1"),
        (r"^how much does ((?:a|an|the|1|this|our|your) .+) cost$", r"@cost \1"),
        (r"^how much is (.+)$", r"how much is \1"),
        (
            r"^(?:tell me|i want to know|i would like to know|i need to know|i want to learn|i need to learn) about (.+)$",
            r"@about \1",
        ),
        (r"^(?:i (?:want|need|would like) )?(?:give me |give )?(?:some )?information (?:about|on|regarding) (.+)$", r"@about \1"),
        (r"^(?:give|send|provide|show|share)(?: me| us)?(?: with)? a list of (.+)$", r"list \1"),
        (r"^(?:give|provide|write|create|make|prepare)(?: me| us)?(?: with)? a summary of (.+)$", r"summarize \1"),
        (r"^(?:give me|give us|provide(?: me| us)?) (?:with )?(?!for\b)(?=\w)", "give "),
        (r"^show(?: me| us)? (?=(?:an|some) examples?\b)", "give "),
        (r"^tell (?:me|us) (?=(?:the|my|our) \w)(?!.*\b(?:what|how|why|who|where|when)\b)", "what is "),
        (r"^at what time ", "what time "),
        (
            (
                r"^i (?:need|want|would like) (?=(?:a|an|some) (?:\w+ )?(?:list|summary|"
                r"example|template|table|email|outline|draft|poem|script)\b)"
            ),
            "give ",
        ),
        (r"^(write|draft|create|make|generate|compose|prepare|suggest|recommend)(?: me| us) (?=(?:a|an|some|the|\d+)\b)", r"\1 "),
        (r"^((?:write|draft|create|make|generate|compose|prepare|build)\b.*) for me$", r"\1"),
        (r"^how (?:is|are) (.+) different from (.+)$", r"what is the difference between \1 and \2"),
        (r"^how (?:does|do) (.+) differ from (.+)$", r"what is the difference between \1 and \2"),
        (r"^(?:explain |describe |tell me |give me )(?:the )?difference between (.+)$", r"explain the difference between \1"),
        (r"^what (?:is|are) (?:the )?differences? between (.+)$", r"what is the difference between \1"),
    )
]


class Sentence(NamedTuple):
    """One sentence: its words, and whether its question was embedded (`tell me where …`) or asked directly."""

    words: tuple[str, ...]
    embedded: bool


def unframed(sentence: str, *, mid_please: bool = True) -> Sentence | None:
    """The sentence without what surrounds it; None where nothing is left (`Thanks!`). Bounded: six rounds."""
    embedded = False
    if mid_please:
        sentence = re.sub(r" please(?= )", "", sentence).strip()
    for _ in range(6):
        before = sentence
        sentence = _without_politeness(sentence)
        sentence = _requested(sentence)
        for pattern in _KNOWS:
            stripped = pattern.sub("", sentence, count=1)
            embedded = embedded or (stripped != sentence and not stripped.startswith("@"))
            sentence = stripped
        for pattern, replacement in (*_HOW, *_WHAT):
            sentence = pattern.sub(replacement, sentence, count=1)
        if sentence == before:
            break
    if embedded and re.match(r"^(?:if|whether) ", sentence):
        sentence = "@if " + sentence.partition(" ")[2]
    words = tuple(sentence.split())
    return Sentence(words, embedded) if words else None


def _without_politeness(sentence: str) -> str:
    if _ALONE.match(sentence):
        return ""
    for pattern in _BEFORE:
        sentence = pattern.sub("", sentence, count=1)
    for pattern in _AFTER:
        sentence = pattern.sub("", sentence, count=1)
    return sentence.strip(" ,")


def _requested(sentence: str) -> str:
    for pattern in _DO_FOR_ME:
        sentence = pattern.sub("", sentence, count=1)
    return _MIND.sub(lambda match: _GERUNDS[match.group(1)], sentence, count=1)
