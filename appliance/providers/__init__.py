"""Wire formats that go out: pure functions from a request to bytes and from bytes to an answer. No I/O here."""
