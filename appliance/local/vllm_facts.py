"""What is read off a model of vLLM: its folder, its answers."""

from pathlib import Path

import msgspec

from appliance.local.vllm_metrics import Load, read_load


class _Card(msgspec.Struct):
    max_model_len: int | None = None


class _Cards(msgspec.Struct):
    data: list[_Card] = []


def context_tokens(answer: bytes) -> int:
    """How long prompt and answer may be together, as vLLM says it; 0 where it doesn't."""
    try:
        cards = msgspec.json.decode(answer, type=_Cards).data
    except msgspec.MsgspecError:
        return 0
    return max((card.max_model_len or 0 for card in cards), default=0)


def load(page: bytes) -> Load:
    try:
        return read_load(page)
    except ValueError:
        return Load()  # another version, which calls them something else


def weights_bytes(folder: Path | None) -> int:
    """What lies in the model's folder; 0 where it is at Hugging Face's cache."""
    if folder is None:
        return 0
    try:
        return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    except OSError:
        return 0
