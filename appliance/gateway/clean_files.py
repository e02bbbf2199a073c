"""Files in which nothing was found, so that one that comes again is not read again: a conversation is sent whole with each turn.

Of a file it keeps a keyed digest, for this process alone: nothing that could be read.
"""

from hashlib import blake2b
from secrets import token_bytes

from appliance.guardrails.policy_set import PolicySet

CLEAN_MAX = 4_096


class CleanFiles:
    """One an appliance, of all policies."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._known: dict[bytes, None] = {}

    def digest(self, data: bytes, policy: PolicySet) -> bytes:
        return blake2b(policy.label.encode() + b"\0" + data, digest_size=20, key=self._key).digest()

    def has(self, digest: bytes) -> bool:
        return digest in self._known

    def add(self, digest: bytes) -> None:
        if len(self._known) >= CLEAN_MAX:
            self._known.clear()
        self._known[digest] = None
