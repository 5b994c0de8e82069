"""How the filters of a bank become one map, by the numbers that the loops know."""

SINGLE, MAGNITUDE, MAXIMUM = 0, 1, 2
"""There is only one filter; the root of the sum of squares; the largest."""

BY_NAME = {None: SINGLE, "magnitude": MAGNITUDE, "maximum": MAXIMUM}
"""As kernels name them."""
