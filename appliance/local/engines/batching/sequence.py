"""One answer in the making: its tokens, where its computation stands, and the way to whoever waits for it."""

from collections.abc import Callable
from enum import Enum
from queue import SimpleQueue

import msgspec

from appliance.local.engines.batching.sampling import Chosen, Sampler

UNREAD_TOKENS_MAX = 64


class End(Enum):
    """Why an answer is over. STOP and LENGTH are OpenAI's finish reasons."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    FAILED = "failed"


class News(msgspec.Struct, frozen=True):
    """What the loop tells of one sequence: how far its prompt is read, its next tokens, or its end."""

    index: int
    read: int | None = None
    chosen: tuple[Chosen, ...] = ()
    end: End | None = None


class Sequence:
    """A prompt and what the model adds to it.

    tokens:   the prompt, then the answer.
    computed: how many of them are in the attention cache. The last one never is: its logits are what comes next.
    """

    def __init__(
        self,
        prompt: list[int],
        sampler: Sampler,
        news: "SimpleQueue[News]",
        *,
        index: int = 0,
        tenant: int = 0,
        tokens_out_max: int,
        top_logprobs: int | None = None,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.index = index
        self.tenant = tenant
        self.tokens = prompt
        self.prompt_tokens = len(prompt)
        self.tokens_out_max = tokens_out_max
        self.top_logprobs = top_logprobs
        self.sampler = sampler
        self.computed = 0
        self.shared = 0  # tokens of the prompt that somebody else had computed
        self.place = -1  # llama.cpp's number of the sequence, while it has one
        self.arrived = 0  # its rank among all: the older, the sooner
        self.is_over = False  # whoever waits wants no more: a stop string was found
        self._is_cancelled = is_cancelled
        self._news = news
        self._told_read = 0

    @property
    def is_wanted(self) -> bool:
        return not self.is_over and not self._is_cancelled()

    @property
    def to_read(self) -> int:
        """Tokens to compute before the next one can be chosen; 1 while it answers."""
        return len(self.tokens) - self.computed

    @property
    def is_reading(self) -> bool:
        """Its prompt (or, after it had to make room, its answer so far) is not in the cache yet."""
        return self.to_read > 1 or len(self.tokens) == self.prompt_tokens

    @property
    def is_stalled(self) -> bool:
        """Whoever waits doesn't take what is there: no use in more."""
        return self._news.qsize() >= UNREAD_TOKENS_MAX

    @property
    def tokens_out(self) -> int:
        return len(self.tokens) - self.prompt_tokens

    def tell_read(self) -> None:
        if self.tokens_out == 0 and self.computed != self._told_read:
            self._told_read = self.computed
            self._news.put(News(self.index, read=self.computed))

    def tell(self, chosen: Chosen) -> None:
        self._news.put(News(self.index, chosen=(chosen,)))

    def tell_end(self, end: End) -> None:
        self._news.put(News(self.index, end=end))
