"""Logistic regression on few of many features a text, by L-BFGS. The same numbers from the same examples."""

from __future__ import annotations

from collections import deque

import numpy as np


class Examples:
    """Windows of texts: the rows of their features (`lengths`: how many there were, known or not), and cues, worth `cue` each.

    Weights are a vector: `size` of features, then those of cues.
    """

    def __init__(
        self, rows: list[np.ndarray], cues: list[np.ndarray], lengths: np.ndarray, size: int, cue_count: int, cue: float
    ) -> None:
        self.size = size
        counts = np.array([len(one) for one in rows])
        self.filled = counts > 0
        self.worth = (1 / np.sqrt(np.maximum(1, lengths))).astype(np.float32)
        self.rows = np.concatenate(rows).astype(np.int32)
        self.starts = (np.cumsum(counts) - counts)[self.filled]
        owner = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
        order = np.argsort(self.rows, kind="stable")  # the same the other way round: for each feature, whose it is
        self.owners = owner[order]
        by_row = np.bincount(self.rows, minlength=size)
        self.used = np.flatnonzero(by_row)
        self.row_starts = (np.cumsum(by_row) - by_row)[self.used]
        self.cues = np.zeros((len(rows), cue_count), np.float32)
        for place, one in enumerate(cues):
            self.cues[place, one] = cue

    def scores(self, weights: np.ndarray) -> np.ndarray:
        found = (self.cues * weights[self.size :].astype(np.float32)).sum(axis=1)
        found[self.filled] += np.add.reduceat(weights.astype(np.float32)[self.rows], self.starts) * self.worth[self.filled]
        return found.astype(np.float64)

    def slopes(self, of_scores: np.ndarray) -> np.ndarray:
        found, slim = np.zeros(self.size + self.cues.shape[1]), of_scores.astype(np.float32)
        found[self.used] = np.add.reduceat((slim * self.worth)[self.owners], self.row_starts)
        found[self.size :] = (self.cues * slim[:, None]).sum(axis=0)
        return found


def fitted(
    examples: Examples,
    labels: np.ndarray,
    importance: np.ndarray,
    strength: np.ndarray | float,
    rounds: int,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Weights and, last, the constant. `strength`: how much large weights cost, or each of them."""
    signs = np.where(labels > 0, 1.0, -1.0)

    def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (examples.scores(at[:-1]) + at[-1])
        loss = np.logaddexp(0, -margins)
        pull = -signs * importance / (1 + np.exp(np.clip(margins, -40, 40)))
        slope = np.append(examples.slopes(pull) + strength * at[:-1], pull.sum())
        return float((loss * importance).sum() + (strength * at[:-1] ** 2).sum() / 2), slope

    size = examples.size + examples.cues.shape[1]
    return lowest(cost, np.zeros(size + 1) if start is None else start, rounds)


def lowest(cost, at: np.ndarray, rounds: int, kept: int = 8) -> np.ndarray:  # type: ignore[no-untyped-def]
    past: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=kept)
    value, slope = cost(at)
    for _ in range(rounds):
        way, steps = -slope, []
        for moved, turned, scale in reversed(past):
            step = scale * (moved * way).sum()
            way = way - step * turned
            steps.append(step)
        if past:
            moved, turned, scale = past[-1]
            way = way * (1 / (scale * (turned * turned).sum()))
        else:
            way = way / max(1.0, np.abs(slope).sum())
        for (moved, turned, scale), step in zip(past, reversed(steps), strict=True):
            way = way + (step - scale * (turned * way).sum()) * moved
        down, length = (slope * way).sum(), 1.0
        while True:
            there, (value_there, slope_there) = at + length * way, cost(at + length * way)
            if value_there <= value + 1e-4 * length * down or length < 1e-6:
                break
            length /= 2
        moved, turned = there - at, slope_there - slope
        curve = (moved * turned).sum()
        if curve > 1e-12:
            past.append((moved, turned, 1 / curve))
        at, value, slope = there, value_there, slope_there
        if np.abs(slope).max() < 1e-3:
            break
    return at
