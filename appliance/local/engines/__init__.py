"""Engines: what runs a GGUF. Each is imported only inside a worker."""
