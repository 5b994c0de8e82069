"""Figures for slides and notes: told once, as shapes, and written as SVG or drawn as pixels."""
