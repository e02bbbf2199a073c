"""Trains the classifier of attacks, and writes its weights (models/injection.bin).

    python models/train_injection.py DATA_FOLDER models/injection.bin

DATA_FOLDER holds injection.jsonl (its README tells the format); the rest are sentences of our own (injection_sentences.py). The
same bytes from the same data, each time on one kind of machine. Two to three minutes on a core: each group of sources is left out
once, to know where the bound is to be set.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from injection_training import OURS, TEXTS, calibrated, corpus_of, first, unseen, weights_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--texts", type=int, default=TEXTS, help="how many of our own")
    given = parser.parse_args()
    began = time.monotonic()
    corpus = corpus_of(given.data, given.texts)
    print(
        f"{len(corpus.labels)} texts, {len(corpus.rows)} windows, {len(corpus.known)} features, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    start = first(corpus)
    odds, theirs = unseen(corpus, start), corpus.groups != OURS
    steep, bound = calibrated(odds[theirs], corpus.labels[theirs])
    for group in sorted(set(corpus.groups[theirs])):
        for label, name in ((1, "found"), (0, "false")):
            here = (corpus.groups == group) & (corpus.labels == label)
            if here.any():
                print(f"unseen {group}: {name} {np.mean(odds[here] > bound):.3f} of {here.sum()}")
    print(f"steep {steep:.3f}, bound {bound:.3f}, {time.monotonic() - began:.0f} s", flush=True)
    given.output.write_bytes(weights_of(corpus, steep, bound, start).packed())
    print(f"{given.output.name}: {given.output.stat().st_size} bytes, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
