"""Attempts to take a model's instructions over, or to have them out of it: what can be told by rule.

Talk about such attempts is harmless: a candidate that is quoted, asked about or taught is left to the classifier (see `talk`).
"""

import re
from collections.abc import Iterable

from appliance.guardrails.pattern import Found, Judge, Match, Pattern

TYPE = "PROMPT_INJECTION"

_GAP = r"[^.!?;\n|]{0,40}?"
_RULES = (
    r"(?:instructions?|prompts?|rules?|directions|directives?|guidelines?|commands?|programming|guardrails?|safeguards?|"
    r"restrictions?|constraints?|safety (?:checks?|rules?|measures?|filters?)|content (?:filters?|polic(?:y|ies))|orders|context)\b"
)
_OVERRIDE = (
    r"(?i)\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?: about)?|discard|overrid(?:e|ing)|bypass|neglect|overlook|drop|"
    r"(?:do not|don't|dont|stop|no longer|never) (?:follow(?:ing)?|obey(?:ing)?|listen(?:ing)? to|comply(?:ing)? with))"
    rf" {_GAP}\b(previous|prior|above|earlier|preceding|foregoing|initial|original|system|existing|former|your|developer'?s?|"
    rf"operator'?s?|openai'?s?|everything|anything){_GAP}(?:\b{_RULES}|\b(?:above|before this|prior to this|said so far|you were told))"
    r"|(?i)\b(?:ignore|disregard|forget|override) (?:all |everything )?(?:that |of )?what(?:ever)? (?:you (?:were|have been) (?:told|taught|instructed)|"
    r"your (?:developers?|creators?|makers?|owners?|operators?|system prompt) \w+|the (?:system|developer|user|operator) \w+|(?:they|openai) \w+ you)\b"
)
_THEFT = (
    r"(?i)\b(?:reveal|show|print|output|repeat|display|leak|tell (?:me|us)|give (?:me|us)|what (?:is|are|was|were|did|does)|what's|"
    r"write(?: out| down)?|translate|summari[sz]e|encode|dump|disclose|recite|spell out|return|list|paste|copy|share|provide|"
    rf"expose|echo|describe|explain|send)\b {_GAP}\b(?:your|the|my|all)\b[ ,]{{0,2}}{_GAP}\b(?:system|initial|initiali[sz]ation|hidden|original|secret|"
    r"starting|developer|internal|confidential|previous|above|prior|preceding|pre-?prompt|base) ?"
    r"(?:prompts?|instructions?|messages?|directives?|rules|guidelines|configuration|text|string|words|setup)\b"
)
_TEMPLATE = (
    r"(?i)<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|begin_of_text|start_header_id|end_header_id|endofprompt)\|>"
    r"|\[/?INST\]|<</?SYS>>|<start_of_turn>|<end_of_turn>|</?(?:system|system_prompt|instructions)>\s{0,8}"
    r"|(?:^|\n)\s{0,4}#{2,3} ?(?:system|instruction|assistant|new instructions?)s? ?:?\s{0,4}\n|\n\s{0,4}(?:human|assistant|system) ?: "
)
_ADDRESSED = (
    r"(?i)\b(?:note|notice|message|attention|instructions?|reminder|command|hi|hey|hello|dear|to|important)\b[ ,:!]{1,3}(?:to |for )?"
    r"(?:the |any |all |every |you,? )?(?:AI|A\.I\.|LLM|GPT|ChatGPT|Claude|Copilot|chatbot|language model|(?:AI|virtual|digital) "
    r"(?:assistant|agent|model|system|summari[sz]er|reader)|assistant|agent)s?"
    r"(?: (?:assistant|agent|model)s?)?[ ,]{0,2}(?:reading|processing|summari[sz]ing|analy[sz]ing|parsing|reviewing|handling|evaluating|:)"
    r"|\bif you(?:'re| are) (?:an? )?(?:AI|LLM|language model|large language model|AI assistant|AI agent|chatbot)\b"
)
_USER = (
    r"(?i)\b(?:ignor(?:e|ing)|disregard(?:ing)?|overrid(?:e|ing)|instead of|do not (?:obey|listen to|follow)|don't (?:obey|listen to|follow))"
    r" (?:the |your |what the )?(?:user|human|owner|operator|developer)(?:(?:'s|s|s')? (?:request|instruction|question|task|order|message|input|wish)(?:e?s)?"
    r"|,? (?:and|but)|[.:;,])"
)
_OVERRIDE_MARK = (
    r"(?i)(?:\b(?:system|admin(?:istrator)?|developer|root|security) (?:override|overwrite)\b|\bnew (?:system )?instructions?\s{0,3}:"
    r"|\b(?:end|begin(?:ning)?|start) of (?:system )?(?:prompt|instructions?)\b|\byour (?:new|real|actual|true) (?:task|instructions?|"
    r"goal|objective|purpose)s? (?:is|are)\b|\boverride (?:code|mode|protocol)\b)"
)
_OTHERS = (
    r"(?i)\b(?:ignorier|vergiss|vergesst|vergessen sie|missacht|\xe9berschreib)[a-z]{0,5}\b[^.!?\n]{0,40}(?:anweisung|instruktion|"
    r"befehl|regeln|vorgaben|systemprompt|richtlinien)"
    r"|\b(?:ignore[zr]?|oublie[zr]?|n\xe9glige[zr]?|ne tiens pas compte d|ne tenez pas compte d)[^.!?\n]{1,40}(?:instruction|consigne|directive|"
    r"r\xe9gle)[^.!?\n]{0,30}(?:pr\xe9c\xe9dent|ant\xe9rieur|ci-dessus|syst\xe9me|initial)"
    r"|\b(?:ignor[ae]|olvid[ae]|omit[ea]|haz caso omiso d|esque\xe9a|desconsider[ae]|dimentica)[^.!?\n]{1,40}(?:instruc|indicacion|reglas|\xe9rdenes|"
    r"regras|istruzioni)[^.!?\n]{0,30}(?:anterior|previ|de arriba|sistema|precedenti)"
    r"|\b(?:pichh?l[aei]|purane|upar ke)[^.!?\n]{1,30}(?:instructions?|nirdesh|aadesh|rules?)[^.!?\n]{0,20}(?:ignore|bh[ou]+l|andekha|chhod|hata)"
)

_ABOUT = re.compile(
    r"(?i)prompt[ -]injection|jailbreak|what (?:does|do|is|are) |meaning of|(?:such as|like|e\.g\.|for example|for instance|says?|phrase|"
    r"called|named|string|attacks?|attackers?|detect|defend|prevent|protect|against|how (?:do|does|can|to)|why (?:do|does)|the term) ?"
    r"[:,(]? ?[\"'`«“‘(]{0,2}$|git |def |function |\bfile |gitignore|could|might|may |malicious|adversar|vulnerab|teach|explain|"
    r"\bclass(?:room)?\b|article|essay|research|\btest(?:s|ing)?\b"
)
_QUOTES = "\"'`«»“”‘’"
_ACTS = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|you (?:are|have|must|will|can|now|may)|from now on|reveal|print|system|no restrictions|"
    r"respond|answer|reply|say|send|output|obey|instructions?)\b"
)


_SENTENCE_END = re.compile(r"[.?!]\s(?<!e\.g\.\s)(?<!i\.e\.\s)")


def talk(match: Match) -> bool:
    """Whether it is spoken of rather than said: quoted, or named as an example, in its sentence, sixty characters before it."""
    before = _SENTENCE_END.split(match.before(60))[-1]
    quoted = before.rstrip()[-1:] in _QUOTES and bool(before.strip())
    return quoted or _ABOUT.search(before) is not None


def _judged(high: float) -> Judge:
    """Sure of a command; unsure, below the bound, where it is talk."""

    def judge(match: Match) -> Iterable[Found]:
        return [Found(TYPE, 0.35 if talk(match) else high)]

    return judge


def _template(match: Match) -> Iterable[Found]:
    """A chat template's marks matter where somebody speaks behind them; documentation only names them."""
    after = match.after(100)
    near = _ACTS.search(after) is not None and not talk(match)
    strong = match.value.lstrip()[:1] in "<["
    return [Found(TYPE, (0.8 if strong else 0.45) if near else 0.3)]


def _theft(match: Match) -> Iterable[Found]:
    words = match.value.lower()
    own = "your" in words or re.search(
        r"system prompt|hidden (?:prompt|instruction)|(?:above|previous|prior) (?:text|instr|prompt)", words
    )
    question = words.startswith("what") and "your" not in words
    if not own or question or talk(match):
        return [Found(TYPE, 0.35)]
    return [Found(TYPE, 0.8)]


PATTERNS: tuple[Pattern, ...] = (
    Pattern(name="injection_override", types=(TYPE,), regex=_OVERRIDE, judge=_judged(0.85), length_max=220),
    Pattern(name="injection_theft", types=(TYPE,), regex=_THEFT, judge=_theft, length_max=220),
    Pattern(name="injection_template", types=(TYPE,), regex=_TEMPLATE, judge=_template, length_max=64, looks_after=100),
    Pattern(name="injection_addressed", types=(TYPE,), regex=_ADDRESSED, judge=_judged(0.75), length_max=120),
    Pattern(name="injection_user", types=(TYPE,), regex=_USER, judge=_judged(0.65), length_max=80),
    Pattern(name="injection_mark", types=(TYPE,), regex=_OVERRIDE_MARK, judge=_judged(0.7), length_max=64),
    Pattern(name="injection_languages", types=(TYPE,), regex=_OTHERS, judge=_judged(0.85), length_max=160),
)
