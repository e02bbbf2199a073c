"""What a model is for."""

from enum import StrEnum


class ModelKind(StrEnum):
    CHAT = "chat"
    EMBEDDING = "embedding"
