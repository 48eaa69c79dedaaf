"""Which policies cannot be played a day's traffic at a time; known without importing any of them."""

from __future__ import annotations

PER_REQUEST = frozenset(
    {
        "budgeted-thompson",
        "budgeted-ucb",
        "conservative-ucb",
        "cusum-ucb",
        "dirichlet-thompson",
        "discounted-thompson",
        "discounted-ucb",
        "double-thompson",
        "even-pairs",
        "exp3",
        "glr-kl-ucb",
        "guardrailed-thompson",
        "lagrangian",
        "lin-thompson",
        "lin-ucb",
        "rucb",
        "sliding-window-thompson",
        "sliding-window-ucb",
    }
)
"""Policies whose class says ``batched = False`` (a test compares): `expsim bandit` plays them, no scenario does."""
