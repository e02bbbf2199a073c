"""Gatehouse, an AI gateway on your own machine. This package is the server and its command line."""

__version__ = "0.1.0"
