"""Guardrails: what stands in a text, and what is done about it. All of it on this machine."""
