"""Talking a model out of its rules: personas without limits, modes that don't exist, promises never to refuse."""

import re
from collections.abc import Iterable

from appliance.guardrails.detectors.injection import talk
from appliance.guardrails.pattern import Found, Judge, Match, Pattern

TYPE = "JAILBREAK"

_LIMITS = (
    r"(?:restrictions?|limitations?|limits|rules|filters?|filtering|censorship|guidelines|polic(?:y|ies)|ethic(?:s|al)|moral(?:s|ity)?|"
    r"boundaries|constraints|safeguards|moderation|inhibitions)"
)
_NO_LIMITS = (
    r"(?i)\b(?:you|it|he|she|they|who|that|AI|bot|model|assistant|chatbot|now|am|are|is|I|and|be)\b[^.!?\n]{0,40}?"
    r"\b(?:have|has|having|with|without|no longer (?:has|have|bound by)|free(?:d)? (?:of|from)|not (?:bound|limited|restricted|constrained) by|"
    r"unbound by|ignor(?:e|es|ing)|bypass(?:es)?|disregard(?:s)?|not have to (?:follow|abide by)|does ?n[o']t (?:follow|have|care about))"
    rf" (?:to )?(?:(?:no|any|all|the|its|their|typical|usual|such|normal|of|ethical|moral|legal|content|safety|openai'?s?|ai) ){{0,4}}{_LIMITS}\b"
)
_PERSONA = (
    r"(?i)\bdo[ -]anything[ -](?:now|else)\b|\b(?:DAN|STAN|DUDE|AIM|ChatDAN|EvilBot|BetterDAN|MaximumDAN) ?(?:mode|prompt|jailbreak)\b"
    r"|\b(?:developer|god|debug|admin|sudo|unrestricted|unfiltered|uncensored|evil|jailbr(?:ea|o)k(?:en)?|opposite|maintenance) mode"
    r"(?: is)? (?:enabled|activated|active|on|output|v[0-9])\b|\b(?:enable|enter|activate|switch to|simulate) "
    r"(?:chatgpt with )?(?:developer|god|debug|dan|unrestricted|unfiltered|jailbreak|jailbroken|evil) mode\b"
    r"|\byou are (?:now )?(?:DAN|STAN|DUDE|AIM|jailbroken|unrestricted|unfiltered|uncensored)\b"
)
_NEVER_REFUSES = (
    r"(?i)\b(?:must|will|shall|can|should|would|may)? ?(?:never|not|cannot|can't|can not|won't|doesn't|don't|unable to) "
    r"(?:ever )?(?:refuse|decline|reject|deny|say (?:no|(?:that )?(?:you|it|he|she|they) (?:can't|cannot|can not))) "
    r"(?:to (?:answer|comply|do|respond|generate)|(?:a|any|my|the|an|your|user'?s?|direct) (?:\w{1,12} )?(?:requests?|orders?|prompts?|questions?|commands?|human|"
    r"instructions?|tasks?)|anything|something|because)"
)
_STAY = (
    r"(?i)\b(?:stay|remain) in (?:character|DAN|this mode)|\bbreak(?:ing|s)? (?:of )?character\b|\b(?:unfiltered|uncensored|amoral|unethical|"
    r"immoral|unrestricted|jailbroken|evil) (?:and \w{1,15} |, \w{1,15} )?(?:AI|chatbot|bot|assistant|version|language model|response|answer|advice)"
)
_AMORAL = (
    r"(?i)\b(?:disregard(?:s|ing)?|ignor(?:es?|ing)|lack(?:s|ing)?|devoid of|free (?:of|from)|without|ha(?:s|ve) no|"
    r"no (?:comprehension|concept|regard|sense|notion|respect) (?:of|for)|(?:do(?:es)? not|doesn't|don't|never) (?:care|worry|think)s?(?: about| for)?|"
    r"unconcerned with|no matter how|regardless of (?:how|the|any)?|not (?:restrained|restricted|bound|limited|ashamed|constrained) (?:by|of))"
    r" (?:any |all |the |its |their |his |her |how )?(?:(?:dangerous|reckless|bad|\w{1,14}ly),? |(?:of|or|and) ){0,2}"
    r"(?:ethic(?:s|al)|moral(?:s|ity)?|legal(?:ity)?|laws?|illegal|unethical|immoral|inhumane|consequences|right (?:and|or) wrong)\b"
)
_GRANDMOTHER = (
    r"(?i)\b(?:pretend|imagine|act|role-?play|suppose)\b[^.!?\n]{0,40}\b(?:late|dead|deceased|beloved|departed)\b[^.!?\n]{0,10}"
    r"\b(?:grand(?:mother|ma|pa|father|parent)|granny|mother|father|uncle|aunt)\b[^.!?\n]{0,30}\b(?:used to|would)\b"
)
_MORE = re.compile(
    r"(?i)from now on|openai|chatgpt|as an ai|language model|pretend|act as|refuse|illegal|unethical|no restrictions|do anything|"
    r"jailbr|policy|policies|guidelines|warning|disclaimer|tokens|you are|answer (?:any|all|every)|\bDAN\b"
)


def _judged(high: float, evidence: int) -> Judge:
    """`evidence`: so many other signs must stand within 300 characters around it."""

    def judge(match: Match) -> Iterable[Found]:
        if talk(match):
            return [Found(TYPE, 0.35)]
        signs = {one.lower() for one in _MORE.findall(match.before(300) + " " + match.after(300))}
        return [Found(TYPE, high if len(signs) >= evidence else 0.4)]

    return judge


PATTERNS: tuple[Pattern, ...] = (
    Pattern(name="jailbreak_no_limits", types=(TYPE,), regex=_NO_LIMITS, judge=_judged(0.75, 2), length_max=220, looks_after=300),
    Pattern(name="jailbreak_persona", types=(TYPE,), regex=_PERSONA, judge=_judged(0.8, 1), length_max=80, looks_after=300),
    Pattern(
        name="jailbreak_obedient", types=(TYPE,), regex=_NEVER_REFUSES, judge=_judged(0.75, 2), length_max=120, looks_after=300
    ),
    Pattern(name="jailbreak_character", types=(TYPE,), regex=_STAY, judge=_judged(0.6, 3), length_max=80, looks_after=300),
    Pattern(name="jailbreak_amoral", types=(TYPE,), regex=_AMORAL, judge=_judged(0.7, 2), length_max=120, looks_after=300),
    Pattern(name="jailbreak_grandmother", types=(TYPE,), regex=_GRANDMOTHER, judge=_judged(0.65, 0), length_max=160),
)
