"""Who is asking: people, their roles and passwords, sign-in tokens, API keys."""
