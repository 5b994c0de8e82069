"""What a page computes again in a browser, and what it embeds."""

from __future__ import annotations

MOST_MACS = 10**9
"""Multiply-adds of all stages, and operations like them: a second or two of one core."""

MOST_VALUES = 1 << 26
"""Values of all results: a quarter of a gigabyte."""
