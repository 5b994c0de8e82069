"""Numbers that the loops and those who call them agree on."""

SINGLE, MAGNITUDE, MAXIMUM = 0, 1, 2
"""How the filters of one map are combined: one filter, the root of the sum of squares, or the largest."""

BY_NAME = {None: SINGLE, "magnitude": MAGNITUDE, "maximum": MAXIMUM}

GROUP = 16
"""The most taps whose products are added up in their own type before they join the sum."""

NARROW = 16
"""The fewest neighbouring samples that the loops compute together: one register of 32-bit numbers with AVX-512."""

MIDDLE = 64
"""Samples of two sums, of real and of imaginary parts, that are computed together."""
