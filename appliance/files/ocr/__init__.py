"""The worker that reads pictures of text. Nothing here is imported by the server."""
