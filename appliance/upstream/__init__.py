"""Sockets to other machines, and the readers of what comes over them."""
