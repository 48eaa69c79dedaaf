"""Which policies cannot be played a day's traffic at a time; known without importing any of them."""

from __future__ import annotations

PER_REQUEST = frozenset(
    {"cusum-ucb", "discounted-thompson", "discounted-ucb", "exp3", "sliding-window-thompson", "sliding-window-ucb"}
)
"""Policies whose class says ``batched = False`` (a test compares): `expsim bandit` plays them, no scenario does."""
