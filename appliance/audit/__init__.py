"""The record of who did what, each row chained to the one before: `audit.append(transaction, …)`, `audit.verify(connection)`."""

from appliance.audit.chain import Detail, Verdict, append, verify

__all__ = ["Detail", "Verdict", "append", "verify"]
