"""The cache: answers that were given before to provably the same question."""
