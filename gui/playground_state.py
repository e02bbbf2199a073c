"""The playground's conversation, decided without Qt."""

import datetime

TEXT_CHARACTERS_MAX = 100_000
KEY_HOURS = 12


class Conversation:
    """What was said. An answer that failed or was stopped before its first word leaves no empty message."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self.is_answering = False

    def ask(self, text: str) -> bool:
        """Whether there is something to send."""
        text = text.strip()[:TEXT_CHARACTERS_MAX]
        if not text or self.is_answering:
            return False
        self.messages.append({"role": "user", "content": text})
        self.is_answering = True
        return True

    def add(self, text: str) -> None:
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": ""})
        self.messages[-1]["content"] += text

    def end(self) -> None:
        self.is_answering = False

    def fail(self) -> None:
        """Take an unanswered question back, so that the next one is not sent twice over."""
        self.is_answering = False
        if self.messages and self.messages[-1]["role"] == "user":
            self.messages.pop()


def key_expiry(now: datetime.datetime) -> str:
    return (now + datetime.timedelta(hours=KEY_HOURS)).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def summary(tokens_in: int, tokens_out: int, seconds: float) -> str:
    rate = f" · {tokens_out / seconds:.0f} tokens/s" if tokens_out and seconds > 0 else ""
    return f"{tokens_in:,} tokens in · {tokens_out:,} out · {seconds:.1f} s{rate}"
