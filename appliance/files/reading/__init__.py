"""The worker that parses files. Nothing here is imported by the server: it opens what strangers send."""
