"""Cues of attacks, and of talk about them, that the classifier weighs: each is in a window or it isn't."""

import re

import numpy as np
import re2
from numpy.typing import NDArray

from appliance.guardrails.detectors import injection, jailbreak
from appliance.guardrails.detectors.injection_scripts import OVERRIDE_ELSEWHERE
from appliance.guardrails.pattern import options

_YOUR = r"(?i)\byour (?:\w+ ){0,2}(?:response|reply|answer|output|message|summary|completion)s?\b"
_RULE = (*injection.PATTERNS, *jailbreak.PATTERNS)
_SAID: dict[str, str] = {
    **{one.name: one.regex for one in _RULE},
    "your_answer": _YOUR,
    "your_answer_changed": r"(?i)\b(?:add|include|insert|append|integrate|mention|modify|enhance|use|replace|remove|provide|write|tease|suggest|introduce|embed|end|begin|start|finish|substitute|combine|group|scramble|encode|express|weave)\b[^.!?\n]{0,80}\b(?:in|into|to|of|your|with) (?:your|the|this|every|each) (?:\w+ ){0,2}(?:response|reply|answer|output|message|summary)s?\b",
    "your_code": r"(?i)\b(?:your|the) (?:\w+ )?(?:code|codebase|solution|implementation|algorithm|program|script|project|elucidation|framework)\b",
    "code_given": r"(?i)\b(?:following|subsequent|below|given|this) (?:\w+ )?(?:code|snippet|script|command)(?: (?:snippet|block|excerpt|section|segment|fragment))?\b[^\n]{0,90}(?::|\n)",
    "code_merged": r"(?i)\b(?:integrat|incorporat|embed|insert|inject|includ|inclusion|merg|blend|weav|fus|append|add|us|utiliz|adopt|employ|execut|render|infus|absorb|featur|enrich|leverag|introduc|ensur)[a-z]{0,5}\b[^.\n]{0,60}\b(?:code|snippet)\b",
    "fence": "```",
    "harm_code": r"os\.(?:system|remove|environ|rename)|subprocess|requests\.(?:post|get)|smtplib|urllib|paramiko|rm -rf|/etc/|cookies?\.(?:txt|pkl)|base64|eval\(|exec\(|curl |wget ",
    "role": r"(?i)\b(?:you are|you're|you will be|you shall be|act as|acting as|pretend(?:ing)? (?:to be|that|you)|role-?play|simulat(?:e|ing)|take (?:on|up) the (?:role|persona)|in character|persona)\b",
    "from_now": r"(?i)\bfrom (?:now|here|this (?:point|moment))\b|\bhence ?forth\b|\bgoing forward\b",
    "now": r"(?i)\byou are now\b|\bnow,? (?:you|act|ignore|forget|respond|answer)\b|\binstead,? ",
    "must": r"(?i)\byou (?:must|will|shall|have to|should|can't|cannot|won't|are not allowed|always|never)\b",
    "must_often": r"(?is)\byou (?:must|will|shall|have to|always|never|cannot|can)\b.*\byou (?:must|will|shall|have to|always|never|cannot|can)\b.*\byou (?:must|will|shall|have to|always|never|cannot|can)\b",
    "ai": r"(?i)\b(?:chat ?gpt|gpt-?[345x]?|openai|claude|llm|language model|an ai|ai model|ai assistant|chatbot|bing|bard|gemini|assistant)\b",
    "policy": r"(?i)\b(?:content polic|usage polic|guidelines|censor|moderation|filter|restriction|ethic|moral|safety|safeguard|limitations|openai'?s? polic|polic)",
    "harm": r"(?i)\b(?:illegal|unethical|immoral|harmful|offensive|explicit|nsfw|evil|malicious|profan|vulgar|curs(?:e|ing)|swear|sexual|violent|violence|drugs?|cocaine|bomb|weapon|hack|racist)",
    "refuse": r"(?i)\b(?:refus|reject|decline|i'?m sorry|i can(?:no|')t|cannot fulfill|warning|disclaimer|apolog|as an ai)",
    "unlimited": r"(?i)\b(?:unrestricted|unfiltered|uncensored|unbiased|jailb\w+|amoral|no (?:limits|rules|morals|filter|restrictions|ethics|censorship)|without (?:any )?(?:limit|restrict|filter|censor|moral|warning)|anything now|freed?|unlimited|bypass)",
    "format": r"(?i)\b(?:respond|answer|reply|output|start|begin|prefix|end)\b[^.\n]{0,40}\b(?:with|as|only|in two ways|twice|both|format|tag|prefix)\b",
    "tags": r"\[[^\]\n]{2,40}\]\s?[:(]|[\[(]\xb7{1,2} ?[A-Za-z]|\[[A-Z][A-Z ]{2,20}\]",
    "placeholder": r"(?i)[\[<{(]{1,2}\s?(?:your |insert |the |my |user )?(?:prompt|question|query|request|input|target ?language|keyword|task|topic|text)s?(?: here| goes here)?\s?[\]>})]{1,2}",
    "first": r"(?i)\bmy first (?:request|question|prompt|command|sentence|suggestion|order|task|message|name)\b",
    "understood": r"(?i)\b(?:if you understand|do you understand|say (?:ok|yes|understood|acknowledged)|respond with (?:ok|yes|understood)|confirm (?:by|that|with)|acknowledge)\b",
    "secret_asked": r"(?i)\b(?:password|passphrase|secret|api keys?|credentials?|token|confidential|system prompt|initial prompt|initiali[sz]ation|hidden|chat history|conversation history)\b",
    "prompt": r"(?i)\bprompts?\b",
    "instructions": r"(?i)\b(?:instructions?|directives?|commands?|orders|directions)\b",
    "above": r"(?i)\b(?:above|previous|prior|preceding|earlier|before this|so far|initial|original|starting|first)\b",
    "ignore": r"(?i)\b(?:ignor\w*|disregard\w*|forget|override|overrule|bypass|neglect|drop|stop|cancel|discard|scrap|skip)\b",
    "link": r"(?i)https?://|www\.|@[a-z0-9.-]+\.[a-z]{2,}",
    "sent": r"(?i)\b(?:send|forward|e-?mail|post|upload|transfer|exfiltrate|leak|submit|wire|delete|execute|run|call|invoke|grant|approve)\b",
    "question": r"\?\s*$",
    "question_first": r"(?i)^\s*(?:what|how|why|who|where|when|which|can|could|should|is|are|do|does|would|will)\b",
    "please": r"(?i)\b(?:please|kindly|bitte|por favor|kripya)\b",
    "make": r"(?i)^\s*(?:please )?(?:write|create|compose|explain|describe|generate|summari[sz]e|translate|list|give|suggest|design|discuss|develop|provide|recommend|find|make|rewrite|classify|imagine|let's)\b",
    "talk": r"(?i)\b(?:prompt injections?|jailbreaks?|jailbreaking|attackers?|attacks?|adversar\w+|vulnerab\w+|exploits?|mitigat\w+|defen[sc]e|defend|threats?|security|malicious|red team\w*|guardrails?|owasp|cheat sheet|untrusted)\b",
    "talk_modal": r"(?i)\b(?:can|could|may|might|should|such as|for example|e\.g\.|e\.g|i\.e\.|often|typically|usually|refers to)\b",
    "mean": r"(?i)\b(?:what does|what is|meaning of|definition of|difference between|explain (?:the|how|why|what)|examples? of|how (?:do|does|can|to))\b",
    "quoted_rule": r"(?i)[\"'`\xb7(](?:please )?(?:ignore|disregard|forget|you are now|reveal|override|pretend|act as|do anything|developer mode)",
    "fiction": r"(?i)\b(?:story|novel|character|fiction\w*|screenplay|poem|dialogue|scene|protagonist|plot|book|movie|film|game|scenario|imagine)\b",
    "act_as": r"(?i)\b(?:i want you to act as|act as an?|i will provide|i want you to only reply|your task is|you will help me|my first)\b",
    "this_data": r"(?i)\b(?:table|data|rows?|columns?|e-?mail|document|article|traceback|error|code|passage|paragraph|text) (?:above|below|shown|given|here|provided)\b|\b(?:above|below|following|this|attached|given) (?:table|data|e-?mail|document|article|traceback|error|code|passage|paragraph|text|invoice|report)\b|\bin (?:this|the) (?:table|data|e-?mail|document|text)\b",
    "hindi": r"(?i)\b(?:karo|kare|karein|karna|mujhe|aap|apne|bhool|bhul|ignore kar|batao|dikhao|likho|bolo)\b",
    "caps": r"\b[A-Z]{4,} [A-Z]{2,} ?[A-Z]*\b|\b(?:ALL|NEVER|ALWAYS|MUST|NOT|IGNORE|ONLY|NO MATTER WHAT)\b",
    "note_to": r"(?i)\b(?:note|message|attention|important|notice|reminder|instructions?) (?:to|for)?:? ?(?:the |any |all )?(?:ai|llm|assistant|model|agent|chatbot|bot|reader)s?\b|<!--|display: ?none|font-size: ?[01]",
    "changed_mind": r"(?i)\bbut,? (?:no|wait|actually|first|instead|then)\b[^.!?\n]{0,14}\b(?:drop|forget|skip|ignore|scrap|cancel|never ?mind|do something else)\b",
    "also": r"(?i)[.?!\n,] ?(?:also|but first|oh,? and|one more thing|nevermind|by the way|before that)\b,?",
    "amoral": r"(?i)\b(?:no|without|disregards?|ignores?|free of|devoid of|beyond|lacks?) (?:\w+ ){0,3}(?:moral|ethic|law|legal|consequence|censor|filter|limit|restrict|guideline)",
    "opposite": r"(?i)\b(?:opposite|evil twin|alter ego|two (?:answers|responses|ways|personalities)|twice|both (?:as|responses))\b",
    "persona_named": r"(?i)\b(?:named|called|known as|name is|stands for|persona of|simulat\w+ (?:a|an)?)\b",
    "persona_does": r"\b(?:[A-Z][A-Za-z]{1,15}|[A-Z]{2,15}) (?:will|must|can|is|has|does|never|always|doesn't|cannot|knows|answers|hates|shall) (?:never|not|always|do|no|able|say|answer|refuse)?\b",
    "developer": r"(?i)\b(?:i am|i'm|this is|as) (?:an? |the |your |one of your )?(?:\w+ )?(?:developer|admin(?:istrator)?|creator|engineer|programmer|owner|operator|ceo|root|system)s?\b",
}
_STATES = (
    "data_some",
    "data_half",
    "data_most",
    "data_only",
    "stranger",
    "foreign_override",
    "short",
    "very_short",
    "long",
    "not_latin",
    "lines_many",
    "digits_many",
    "marks_odd",
)
_TOGETHER = (  # what says more than each by itself
    ("code_merged", "harm_code"), ("code_given", "harm_code"), ("code_merged", "data_half"), ("code_given", "data_half"),
    ("your_answer", "data_half"), ("your_answer_changed", "data_some"), ("your_answer_changed", "link"), ("stranger", "make"),
    ("stranger", "question_first"), ("stranger", "data_most"), ("stranger", "lines_many"), ("role", "unlimited"), ("role", "harm"), ("role", "amoral"),
    ("must", "refuse"), ("ai", "amoral"), ("ai", "unlimited"), ("fiction", "harm"), ("fiction", "make"), ("persona_named", "unlimited"),
    ("persona_named", "amoral"), ("now", "role"), ("from_now", "role"), ("secret_asked", "sent"), ("ignore", "instructions"),
    ("ignore", "above"), ("above", "instructions"), ("secret_asked", "question"), ("prompt", "secret_asked"), ("talk", "quoted_rule"),
    ("talk", "question"), ("act_as", "unlimited"), ("act_as", "harm"), ("placeholder", "harm"), ("placeholder", "unlimited"), ("link", "sent"),
)  # fmt: skip
CUES: tuple[str, ...] = (*_SAID, *_STATES, *(f"{one}+{other}" for one, other in _TOGETHER))
_PLACE = {name: place for place, name in enumerate(CUES)}
_PAIRS = [(_PLACE[one], _PLACE[other], _PLACE[f"{one}+{other}"]) for one, other in _TOGETHER]
_LINES_MANY = 12
_ODD = re.compile(r"[\[\]{}<>|*#_=~^\\]")


def _set() -> re2.Set:
    found = re2.Set.SearchSet(options())
    for regex in _SAID.values():
        found.Add(regex.encode("latin-1"))
    found.Compile()
    return found


_ANY = _set()


def cues_in(text: str, flat: bytes, data_share: float, has_stranger: bool) -> NDArray[np.intp]:
    found = [*(_ANY.Match(flat) or ())]
    length = len(text)
    states = {
        "data_some": data_share > 0.05,
        "data_half": data_share > 0.4,
        "data_most": 0.7 < data_share < 1,
        "data_only": data_share == 1,
        "stranger": has_stranger,
        "foreign_override": not text.isascii() and OVERRIDE_ELSEWHERE.search(text) is not None,
        "short": length < 200,
        "very_short": length < 60,
        "long": length > 700,
        "not_latin": flat.count(b"\xe9") * 3 > length,
        "lines_many": text.count("\n") > _LINES_MANY,
        "digits_many": sum(map(flat.count, b"0123456789")) * 12 > length,
        "marks_odd": len(_ODD.findall(text)) * 25 > length,
    }
    known = {*found, *(_PLACE[name] for name, is_so in states.items() if is_so)}
    return np.array(sorted([*known, *(place for one, other, place in _PAIRS if one in known and other in known)]), np.intp)
