"""The record of who did what, each row chained to the one before: `audit.append(transaction, …)`, `audit.verify(connection)`."""

from appliance.audit.chain import Detail, Verdict, append, verify
from appliance.audit.records import AuditRecord, last_target, records_between

__all__ = ["AuditRecord", "Detail", "Verdict", "append", "last_target", "records_between", "verify"]
