"""Makes a Llama of 0.9 MB with random weights, for the tests with the real engine: `python tiny_llama.py FOLDER TEXT…`.

Run by the Python that has vLLM, since it needs torch and transformers. The texts train the tokenizer.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{m['role']}}|>{{m['content']}}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    plain = Tokenizer(models.BPE(unk_token=None))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    plain.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1024, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    )
    found = PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    found.chat_template = TEMPLATE
    return found


def main() -> None:
    folder, *texts = sys.argv[1:]
    words = tokenizer([Path(text).read_text("utf-8") for text in texts])
    words.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


if __name__ == "__main__":
    main()
