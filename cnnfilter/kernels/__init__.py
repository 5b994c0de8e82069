"""The named kernels: the catalogue, their formulas, what can be said of them, and matrices that people type."""
