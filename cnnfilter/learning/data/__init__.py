"""Labelled pictures to learn from: folders, arrays and lists, which are not trusted."""
