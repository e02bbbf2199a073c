"""The command line: `gatehouse …`, one file a command or group of commands."""
