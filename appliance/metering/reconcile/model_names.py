"""When two names are one model: `claude-haiku-4-5-20251001`, "Claude Haiku 4.5", `Claude4.5Haiku` and
`us.anthropic.claude-haiku-4-5-20251001-v1:0` are.

A request for `gpt-4o` is billed as the snapshot that it led to, so dates are no part of what is matched: snapshots of a model are
compared together. What this doesn't see as one is named by whoever asks.
"""

import re

Key = tuple[tuple[str, ...], tuple[str, ...]]

_REGIONS = r"(?:us|us-gov|eu|apac|apj|jp|au|ca|global)\."
_VENDORS = (
    r"(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability"
    r"|twelvelabs|writer|zai)\."
)
_HEAD = re.compile(rf"^(?:{_REGIONS})?(?:{_VENDORS})?")
_VERSION = re.compile(r"-v\d+:\d+(?::\w+)?$")
_DATE = re.compile(r"[-@ _]\(?20\d\d[-/]?[01]\d[-/]?[0-3]\d\)?(?=$|[-@ _:])")
_LATEST = re.compile(r"[-@: ]latest$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_POINT_NULL = re.compile(r"(?<=\d)\.0(?!\d)")
_PIECES = re.compile(r"[^\W\d_]+|\d+")


def model_key(name: str) -> Key:
    """Words in any order, numbers in theirs."""
    plain = _CAMEL.sub(" ", name.rpartition("/")[2].strip())
    plain = _HEAD.sub("", plain.lower())
    plain = _LATEST.sub("", _DATE.sub("", _VERSION.sub("", plain)))
    pieces = _PIECES.findall(_POINT_NULL.sub("", plain))
    words = tuple(sorted(piece for piece in pieces if not piece.isdigit()))
    return words, tuple(piece for piece in pieces if piece.isdigit())
