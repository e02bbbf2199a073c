"""A provider's own usage file beside the ledger: read, matched by model and day, and compared."""
