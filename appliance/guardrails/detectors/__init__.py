"""What is looked for, one file a kind. `guardrails.house` puts them together, `guardrails.scanner` runs them."""
