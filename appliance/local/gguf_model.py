"""What the values of a GGUF header mean: what the model is for, what it takes, and which memory it will want.

Source of the names: llama.cpp's src/llama-arch.cpp and gguf-py's constants.py, read 2026-11-25.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.local.gguf_bytes import GgufError
from appliance.local.kinds import ModelKind

if TYPE_CHECKING:
    from appliance.local.gguf import Items

COUNT_MAX = 2**40
LAYERS_MAX = 1024

# Architectures that only make embeddings, whether or not the file names a pooling.
ENCODERS = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert", "modern-bert"})
_POOLING_RANK = 4


class GgufInfo(msgspec.Struct, frozen=True):
    """What the header says, as far as we need it. Counts of 0 mean that it doesn't say.

    tools_in_template: the chat template knows what to do with tools; otherwise we describe them to the model ourselves.
    kv_bytes_per_token: memory of the attention cache for each token of context, at 16 bits, over all layers.
    state_bytes_per_sequence: memory of the recurrent layers for each sequence, whatever its length.
    window_tokens: the sliding window of the layers that have one. Our engines keep the whole context for those, too.
    """

    architecture: str
    name: str
    file_bytes: int
    context_tokens: int
    kind: ModelKind
    has_chat_template: bool
    tools_in_template: bool
    embedding_length: int
    kv_bytes_per_token: int
    tensors: int
    chat_template: str = ""
    licence: str = ""
    tokenizer: str = ""
    vocabulary: int = 0
    layers: int = 0
    heads: int = 0
    feed_forward_length: int = 0
    window_tokens: int = 0
    state_bytes_per_sequence: int = 0
    experts: int = 0
    experts_used: int = 0


def info(values: dict[str, Any], tensors: int, size: int) -> GgufInfo:
    """The model behind a header's values. Errors: GgufError."""
    said = _Values(values)
    if said.text("general.type", "model") != "model" or values.get("split.count", 0) not in (0, 1):
        raise GgufError("this is an adapter, a projector or one part of several, not a whole model")
    if tensors == 0:
        raise GgufError("the file holds no tensors, a vocabulary at most")
    template = said.text("tokenizer.chat_template")
    return GgufInfo(
        architecture=said.architecture,
        name=said.shown("general.name")[:128],
        file_bytes=size,
        context_tokens=said.count("context_length"),
        kind=_kind(said),
        has_chat_template=bool(template),
        tools_in_template="tools" in template,
        embedding_length=said.count("embedding_length"),
        kv_bytes_per_token=_kv_bytes_per_token(said),
        tensors=tensors,
        chat_template=template,
        licence=(said.shown("general.license") or said.shown("general.license.name"))[:128],
        tokenizer=said.shown("tokenizer.ggml.model")[:64],
        vocabulary=said.vocabulary(),
        layers=said.count("block_count"),
        heads=max(said.per_layer("attention.head_count"), default=0),
        feed_forward_length=max(said.per_layer("feed_forward_length"), default=0),
        window_tokens=said.count("attention.sliding_window"),
        state_bytes_per_sequence=_state_bytes_per_sequence(said),
        experts=said.count("expert_count"),
        experts_used=said.count("expert_used_count"),
    )


class _Values:
    """A header's values, each with the type that it must have. Errors of every method: GgufError."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.architecture = self.text("general.architecture")
        if not self.architecture or len(self.architecture) > 64:
            raise GgufError("the header names no architecture")
        layers = self.count("block_count")
        if layers > LAYERS_MAX:
            raise GgufError(f"the header claims {layers} layers; more than {LAYERS_MAX} can't be right")

    def text(self, key: str, otherwise: str = "") -> str:
        value = self._values.get(key, otherwise)
        if not isinstance(value, str):
            raise GgufError("the header names no architecture" if key == "general.architecture" else f"{key} is no text")
        return value

    def shown(self, key: str) -> str:
        """A text that is only shown: whatever else stands there is left out."""
        value = self._values.get(key)
        return value if isinstance(value, str) else ""

    def count(self, name: str) -> int:
        """A count of this architecture, 0 where the header doesn't say."""
        return _count(name, self._values.get(f"{self.architecture}.{name}", 0))

    def per_layer(self, name: str) -> list[int]:
        """A count for each layer; many headers give one for all. Empty where the header doesn't say."""
        key, layers = f"{self.architecture}.{name}", self.count("block_count")
        if key not in self._values:
            return []
        value = self._values[key]
        if not hasattr(value, "numbers"):
            return [_count(name, value)] * layers
        items: Items = value
        if items.count != len(items.numbers) or items.count < layers:
            raise GgufError(f"{name} has {items.count} items for {layers} layers")
        return [_count(name, number) for number in items.numbers[:layers]]

    def vocabulary(self) -> int:
        if "tokenizer.ggml.tokens" not in self._values:
            return self.count("vocab_size")
        tokens: Any = self._values["tokenizer.ggml.tokens"]
        if not hasattr(tokens, "numbers"):
            raise GgufError("the header's tokens are no list")
        count: int = tokens.count
        return count

    def pooling(self) -> Any:
        return self._values.get(f"{self.architecture}.pooling_type")


def _count(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < COUNT_MAX:
        shown = value if isinstance(value, int | float) else "no number"
        raise GgufError(f"{name} is {shown}, which is no count")
    return value


def _kind(said: _Values) -> ModelKind:
    pooling = said.pooling()
    if pooling == _POOLING_RANK:
        raise GgufError("this model ranks texts; only chat and embedding models can be run")
    return ModelKind.EMBEDDING if said.architecture in ENCODERS or pooling in (1, 2, 3) else ModelKind.CHAT


def _kv_bytes_per_token(said: _Values) -> int:
    heads = said.per_layer("attention.head_count")
    kv_heads = said.per_layer("attention.head_count_kv") or heads
    width = said.count("embedding_length") // max(heads, default=0) if any(heads) else 0
    key, value = said.count("attention.key_length") or width, said.count("attention.value_length") or width
    every = said.count("full_attention_interval")  # of Qwen3-Next: the other layers are recurrent
    attending = [count for index, count in enumerate(kv_heads) if not every or (index + 1) % every == 0]
    return sum(attending) * (key + value) * 2


def _state_bytes_per_sequence(said: _Values) -> int:
    """What recurrent layers keep of a sequence, at 32 bits. In mixed models those are the layers without attention heads."""
    width, state = said.count("embedding_length"), said.count("ssm.state_size")
    inner, convolution = said.count("ssm.inner_size"), said.count("ssm.conv_kernel")
    head, short = said.count("wkv.head_size"), said.count("shortconv.l_cache")
    if head:
        numbers = width * (head + 2)
    elif short:
        numbers = width * (short - 1)
    else:
        groups = said.count("ssm.group_count")
        numbers = state * inner + max(convolution - 1, 0) * (inner + 2 * groups * state)
    kv_heads = said.per_layer("attention.head_count_kv")
    without = kv_heads.count(0)
    return numbers * 4 * (without or said.count("block_count"))
