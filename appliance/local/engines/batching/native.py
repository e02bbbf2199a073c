"""llama.cpp's C interface, as far as we use it: a model with its vocabulary, a context with its memory, a batch.

Source: llama-cpp-python 0.3.36 (`llama_cpp.llama_cpp`, ctypes over llama.h of the same release). Calls release Python's
lock. Everything here belongs to one thread, but for the vocabulary, which only reads.
"""

import ctypes
import os
from collections.abc import Sequence as SequenceOf
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as c
import numpy as np
from numpy.typing import NDArray

ALL_LAYERS = 999
TEXT_BYTES_MAX = 4096  # of one token; the longest in use are runs of a few hundred spaces
NO_SLOT = 1
_LOG_ERROR = 4  # of ggml.h; the binding has no name for it

NO_POOLING = (c.LLAMA_POOLING_TYPE_NONE, c.LLAMA_POOLING_TYPE_RANK)
_CONTROL = c.LLAMA_TOKEN_ATTR_CONTROL


class NativeError(Exception):
    """llama.cpp could not do it; the message says what."""


def _tell_errors(level: int, text: bytes, _: Any) -> None:
    if level == _LOG_ERROR:
        print(text.decode("utf-8", "replace"), end="", flush=True)


_errors_only = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_tell_errors)


def start() -> None:
    """Make the library ready; once a process."""
    os.environ["GGML_NO_BACKTRACE"] = "1"  # when it aborts it would start a debugger, and print what lies in memory
    c.llama_log_set(_errors_only, ctypes.c_void_p(0))
    c.llama_backend_init()


def has_gpu() -> bool:
    """Whether the library was built for a GPU and sees one."""
    return bool(c.llama_supports_gpu_offload())


class Model:
    """The weights and the vocabulary of one file."""

    def __init__(self, path: Path, *, gpu: bool, written: SequenceOf[str] = ()) -> None:
        """`written`: control tokens that count as text. Errors: NativeError."""
        params = c.llama_model_default_params()
        params.n_gpu_layers = ALL_LAYERS if gpu else 0
        self.handle = c.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            raise NativeError("llama.cpp can't load the file: it is damaged, of an unknown architecture, or memory is short")
        self.vocab = Vocabulary(c.llama_model_get_vocab(self.handle), written)
        # A recurrent state has no positions to copy a part of.
        self.shares_prefixes = not (c.llama_model_is_recurrent(self.handle) or c.llama_model_is_hybrid(self.handle))
        self.is_encoder = bool(c.llama_model_has_encoder(self.handle)) and not c.llama_model_has_decoder(self.handle)
        self.template = (c.llama_model_chat_template(self.handle, None) or b"").decode("utf-8", "replace")
        self.width = int(c.llama_model_n_embd_out(self.handle))


class Vocabulary:
    """Text to tokens and back."""

    def __init__(self, handle: Any, written: SequenceOf[str]) -> None:
        """`written`: control tokens that count as text all the same."""
        self.handle = handle
        self.size = int(c.llama_vocab_n_tokens(handle))
        self.bos = int(c.llama_vocab_bos(handle))
        self.eos = int(c.llama_vocab_eos(handle))
        self.adds_bos = bool(c.llama_vocab_get_add_bos(handle))
        self._pieces: list[bytes | None] = [None] * self.size
        self._written = written
        self.control_texts = tuple(
            text
            for token in range(self.size)
            if c.llama_vocab_get_attr(handle, token) & _CONTROL and (text := self.text_of(token)) and len(text) > 1
        )
        self.piece_bytes_max = max(len(self.piece(token)) for token in range(self.size))

    def tokens(self, text: bytes, *, special: bool, ends: bool = False) -> list[int]:
        """Tokens of a text. `special`: control tokens written in it count as such; `ends`: add what the model wants around."""
        most = len(text) + 8
        found = (c.llama_token * most)()
        count = int(c.llama_tokenize(self.handle, text, len(text), found, most, ends, special))
        assert count >= 0, "no text has more tokens than bytes"
        tokens: list[int] = found[:count]
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to a text; none for control tokens."""
        piece = self._pieces[token]
        if piece is None:
            piece = self._rendered(token, special=False)
            if not piece and (text := self.text_of(token)) in self._written:
                piece = text.encode()
            self._pieces[token] = piece
        return piece

    def text_of(self, token: int) -> str:
        """How a token is written, control tokens too; "" for none."""
        return "" if token < 0 else self._rendered(token, special=True).decode("utf-8", "replace")

    def ends_answer(self, token: int) -> bool:
        return bool(c.llama_vocab_is_eog(self.handle, token))

    def _rendered(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(TEXT_BYTES_MAX)
        length = int(c.llama_token_to_piece(self.handle, token, buffer, TEXT_BYTES_MAX, 0, special))
        return buffer.raw[: max(length, 0)]


class Batch:
    """The tokens of one step. Filled through numpy, which llama.cpp then reads where it lies."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
        self._sequence = np.zeros(size, np.int32)
        ones = self._ones = np.ones(size, np.int32)
        start = self._sequence.ctypes.data
        self._places = (ctypes.POINTER(c.llama_seq_id) * size)(
            *(ctypes.cast(start + 4 * place, ctypes.POINTER(c.llama_seq_id)) for place in range(size))
        )
        self.native = c.llama_batch(
            0,
            _pointer(self._token, c.llama_token),
            None,
            _pointer(self._position, c.llama_pos),
            _pointer(ones, ctypes.c_int32),
            self._places,
            _pointer(self._wanted, ctypes.c_int8),
        )

    def clear(self) -> None:
        self.count = 0

    def add(self, tokens: SequenceOf[int], position: int, sequence: int, *, wanted: bool, every: bool = False) -> int:
        """Append tokens of one sequence; the row of the last one. `wanted`: its logits; `every`: everyone's output."""
        first, self.count = self.count, self.count + len(tokens)
        self._token[first : self.count] = tokens
        self._position[first : self.count] = range(position, position + len(tokens))
        self._sequence[first : self.count] = sequence
        self._wanted[first : self.count] = every
        if wanted:
            self._wanted[self.count - 1] = 1
        return self.count - 1


def _pointer(array: NDArray[Any], kind: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))


class Context:
    """What is being computed: the attention cache, shared by all sequences, and the last step's outputs."""

    def __init__(
        self, model: Model, *, cells: int, batch: int, sequences: int, outputs: int, threads: int, embeddings: bool = False
    ) -> None:
        """Errors: NativeError when memory is short."""
        params = c.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = batch
        params.n_seq_max = sequences
        params.n_outputs_max = max(outputs, sequences)  # what it insists on
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True  # one pool of cells: a prefix is shared by marking cells, not by copying them
        params.swa_full = True  # a window that forgets could not be shared
        params.embeddings = embeddings
        params.no_perf = True
        self._model = model
        self.handle = c.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise NativeError("llama.cpp can't make the attention cache: memory is short")
        self._memory = c.llama_get_memory(self.handle)
        self.pooling = int(c.llama_pooling_type(self.handle))

    def decode(self, batch: Batch) -> int:
        """Compute a batch: 0, or NO_SLOT where the cells don't suffice (nothing was changed).

        Errors:  NativeError.
        """
        batch.native.n_tokens = batch.count
        code = int(c.llama_decode(self.handle, batch.native))
        if code not in (0, NO_SLOT):
            raise NativeError(f"llama_decode failed ({code})")
        return code

    def logits(self, row: int) -> NDArray[np.float32]:
        """The logits of a row of the last batch; a view, good until the next."""
        return np.ctypeslib.as_array(c.llama_get_logits_ith(self.handle, row), (self._model.vocab.size,))

    def embedding(self, sequence: int) -> NDArray[np.float32]:
        """The pooled output of a sequence; a view."""
        found = c.llama_get_embeddings_seq(self.handle, sequence)
        if not found:
            raise NativeError("the model pools nothing")
        return np.ctypeslib.as_array(found, (self._model.width,))

    def forget(self, sequence: int) -> None:
        """Free a sequence's cells, but for those that others share."""
        c.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def share(self, source: int, target: int, tokens: int) -> None:
        """Give `target` the first so many tokens of `source`."""
        c.llama_memory_seq_cp(self._memory, source, target, 0, tokens)

    def cut(self, sequence: int, tokens: int) -> None:
        """Leave a sequence its first so many tokens."""
        c.llama_memory_seq_rm(self._memory, sequence, tokens, -1)

    def state_bytes(self, sequence: int) -> int:
        """How long `saved` would be."""
        return int(c.llama_state_seq_get_size(self.handle, sequence))

    def saved(self, sequence: int) -> NDArray[np.uint8]:
        """What was computed of a sequence, outside of the attention cache."""
        state = np.empty(self.state_bytes(sequence), np.uint8)
        written = int(c.llama_state_seq_get_data(self.handle, _pointer(state, ctypes.c_uint8), state.nbytes, sequence))
        if written != state.nbytes:
            raise NativeError("a sequence can't be copied")
        return state

    def restore(self, sequence: int, state: NDArray[np.uint8]) -> None:
        """The same back, in cells that must be free, for a sequence that has none. Errors: NativeError."""
        if not c.llama_state_seq_set_data(self.handle, _pointer(state, ctypes.c_uint8), state.nbytes, sequence):
            raise NativeError("a sequence can't be copied back: the attention cache is fuller than it was counted")

    def forget_all(self) -> None:
        if self._memory:
            c.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        c.llama_free(self.handle)
