"""Continuous batching over llama.cpp: many sequences, one `llama_decode` a step."""
