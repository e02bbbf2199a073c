"""Proof that two questions are the same question; without one, a semantic hit is a miss."""

from appliance.cache.sameness.verdict import Verdict, Verifier, verdict

__all__ = ["Verdict", "Verifier", "verdict"]
