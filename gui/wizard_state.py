"""What the first-run wizard accepts, decided without Qt. The appliance has the last word."""

PASSWORD_CHARACTERS_MIN = 8
PASSWORD_CHARACTERS_MAX = 1024


def owner_problem(name: str, email: str, password: str, again: str) -> str:
    """What is missing, in plain words; empty when it may be sent."""
    local, at, domain = email.strip().partition("@")
    if not name.strip():
        return "Your name is missing."
    if not (at and local and "." in domain.strip(".")) or " " in email.strip():
        return "That is not an e-mail address."
    if len(password) < PASSWORD_CHARACTERS_MIN:
        return f"The password needs {PASSWORD_CHARACTERS_MIN} characters or more."
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return f"The password is too long: {PASSWORD_CHARACTERS_MAX} characters at most."
    return "" if password == again else "The two passwords differ."


def lan_told(join_urls: list[str], fingerprint: str | None, problems: list[dict[str, str]]) -> str:
    """What the person reads once the local network is open: where colleagues go, what they compare, what is in their way."""
    parts = [f"Colleagues open {join_urls[0]}" if join_urls else "It opens as soon as this machine is on a network."]
    if fingerprint:
        half = len(fingerprint) // 2 + 1
        parts.append(f"Read them this fingerprint, to compare:\n{fingerprint[:half]}\n{fingerprint[half:]}")
    parts += [f"But: {problem['message']}\n{problem['fix']}" for problem in problems]
    parts.append("`gatehouse lan status` shows this again.")
    return "\n\n".join(parts)
