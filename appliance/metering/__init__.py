"""What was used, by whom: tokens, the ledger."""
