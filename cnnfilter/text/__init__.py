"""Texts that people write: files with and without marks, rows of numbers, single values, and other names of things."""
