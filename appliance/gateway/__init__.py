"""The way of one request, from the door to the last byte of its answer."""
