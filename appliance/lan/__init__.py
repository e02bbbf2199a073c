"""The local network: this machine's addresses and names, its own certificate authority, and opening the door to others."""
