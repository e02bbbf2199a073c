"""What is looked for, one file a kind. `guardrails.scanner` runs them."""
