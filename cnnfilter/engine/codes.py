"""Numbers that the loops and those who call them agree on."""

import math

SINGLE, MAGNITUDE, MAXIMUM, PRODUCTS = 0, 1, 2, 3
"""How the filters of one map are combined: one filter, the root of the sum of squares, or the largest; of one filter
also: the sum of a single group of products is the result."""

BY_NAME = {None: SINGLE, "magnitude": MAGNITUDE, "maximum": MAXIMUM}

AS_IS, ABSOLUTE, RECTIFIED, RECTIFIED_TO_6 = 0, 1, 2, 3
"""What becomes of a sum: nothing, its absolute value, 0 where it is negative (ReLU), or also 6 where it is more."""

BOUNDS = {AS_IS: (-math.inf, math.inf), RECTIFIED: (0, math.inf), RECTIFIED_TO_6: (0, 6)}
"""Between which a sum is kept by those that banks know."""

GROUP = 16
"""The most taps whose products are added up in their own type before they join the sum."""

NARROW = 16
"""The fewest neighbouring samples that the loops compute together: one register of 32-bit numbers with AVX-512."""

BESIDE = 2 * NARROW
"""Samples beyond a row that are read with its last ones, where windows may begin at every second."""

ROW = 128
"""Samples that a row has at least where loops add up taps. They compute so many at a time, and none by themselves:
a second kind of lanes for short rows would take as long again to compile."""

MIDDLE = 64
"""Samples that are computed together where two sums run at once, or little is done with each."""

APART = 128
"""Samples by which parts of scratch that are read and written in turn lie off a multiple of 4096 bytes from each
other: a processor takes addresses for the same that differ by one, and waits. Without, spectra took 1.1 times as
long."""

TOGETHER = 4
"""Rows of results that are summed up together: they share most of the samples that are read and converted for them."""

ROW_SPANS = tuple(sorted(((low, high) for high in range(TOGETHER) for low in range(high + 1)), key=sum))
"""The neighbouring ones of those rows, from the first to the last, that a sample may count for. In this order they come
as samples are read row by row: both ends of a span only move on."""

FILTERS = 8
"""Filters of a bank that are computed together."""

AHEAD = 2048
"""Weights before those in use that are asked for: processors read ahead to the end of a page at most. Without, 512
filters of 512 channels took 1.6 times as long by Winograd's way, and 1.3 times directly."""

TILES, TILE_BLOCK = 64, 32
"""Tiles of Winograd's that are computed together, and those of them that lie side by side: rows of all would share
few places of a cache."""

SUM_LENGTH = 64
"""Terms that are summed in plain float32, and how many of those sums are. Each addition may cost half a unit in the
last place, 0.06 of the 1e-6 of which ten are promised."""

SIZE_BITS = 0x7FFFFFFF
"""The bits of a float32 but its sign: as a whole number they are in the order of the sizes."""

ASLEEP, WAITING, GIVEN, BUSY = 0, 1, 2, 3
"""What a thread does that helps with calls: it has to be woken, looks for work, was given some, or is at it."""

LOOKS = 1 << 12
"""Looks of a thread that waits for another until it lets a third have the processor."""

LOOKED_AT = 1 << 10
"""Samples that are looked at before it is asked whether one was large enough."""
