"""Vectors of samples that are computed together, so that a loop over taps can run inside the one over samples.

LLVM vectorises a loop over samples only if nothing but straight code lies inside it, so the taps would have to be
written out. Here a value holds many neighbouring samples, which LLVM spreads over as many registers as that takes:
sums stay in registers over all taps, whatever their number, each sample is read and converted once for a tap, and
one loop of a few lines, which compiles in a tenth of the time, replaces a group of taps for each size.

Each operation is defined twice: as a Python function on NumPy arrays, which is what it means and what runs where
Numba is switched off, and as the LLVM instructions for it, by Numba's low-level extension interface. Whoever
imports `operations` has told Numba of the instructions too.
"""

from cnnfilter.engine.lanes import several as _several  # noqa: F401  (and what it builds on: tells Numba of them)
