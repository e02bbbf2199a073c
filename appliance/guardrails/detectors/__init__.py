"""What is looked for, one file a kind. `guardrails.scanner` runs them."""

from appliance.guardrails.pattern import Found, Pattern
from appliance.guardrails.scanner import TextDetector

_EMAIL = Pattern(
    name="email",
    types=("EMAIL",),
    regex=r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    judge=lambda match: [Found("EMAIL", 0.9)],
)
_SSN = Pattern(name="ssn", types=("US_SSN",), regex="[0-9]{3}-[0-9]{2}-[0-9]{4}", judge=lambda match: [Found("US_SSN", 0.9)])
_PASSWORD = Pattern(
    name="password",
    types=("SECRET_PASSWORD",),
    regex=r"(?i)password(?: is|:|=) ?([^\s]{4,64})",
    judge=lambda match: [Found("SECRET_PASSWORD", 0.9, match.span(1))],
)
_IGNORE = Pattern(
    name="ignore",
    types=("PROMPT_INJECTION",),
    regex=r"(?i)ignore (?:all |the )?previous instructions",
    judge=lambda match: [Found("PROMPT_INJECTION", 0.9)],
)
PATTERNS: tuple[Pattern, ...] = (_EMAIL, _SSN, _PASSWORD)
DETECTORS: tuple[TextDetector, ...] = ()
ATTACK_PATTERNS: tuple[Pattern, ...] = (_IGNORE,)
ATTACK_DETECTORS: tuple[TextDetector, ...] = ()
