"""How commands ask for a new password: at the terminal, unseen, or on stdin; never on the command line, where others see it."""

import sys

import click

LINE_CHARACTERS_MAX = 4096

password_option = click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")


def asked_password(*, from_stdin: bool) -> str:
    """The password, typed twice or read once."""
    if from_stdin:
        return sys.stdin.readline(LINE_CHARACTERS_MAX).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: give it on stdin, with --password-stdin.")
    password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    return password
