"""Wire formats that come in: pure functions from a caller's bytes to a ChatRequest, and from chunks to its bytes."""
