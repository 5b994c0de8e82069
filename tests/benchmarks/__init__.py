"""How fast cnnfilter is beside its peers: `python -m tests.benchmarks` (Linux).

One row for each target. A target holds for all of its cases (sizes, channels, threads), and its row shows the worst of
them, or their geometric mean where the target is one; `--cases` shows every case. A ratio is the peer's time over this
project's, so above 1 this project is faster; against a limit (seconds on top, bytes of memory), it is the limit over
what was used.

The method:

- Inputs are the photographs of `samples/`, enlarged, with noise added (`inputs`): never constants, which compress and
  predict too well.
- Both sides compute the same thing, which is checked before the time is taken; a difference is reported and the
  target counts as missed. Only where the peer's filter is another by design (Pillow's blurs) is nothing compared.
- Each side warms up first. Then the two take turns, at least 5 times each, with a pause before each turn in which the
  other side's idle threads stop spinning. The medians are compared.
- What takes less than 20 ms is repeated within a turn.
- Both sides have the same number of threads, where one side is never threaded (Pillow, SciPy) that is one. Parsing a
  kernel or a chain is not timed within a process; choosing the method and validating the picture is. Where a network
  learns, NumPy's BLAS has one, as the command sets it, and all else all cores.
- Whole processes are timed from their start to their end by a small process of its own (`launcher`), which also reads
  their peak memory: a large parent's would be counted as theirs. They have all cores. The cache of compiled code and
  the files are warm, unless the target is the first use.
- Peers that are not installed are skipped and named.

Times depend on what else the machine does: the load is printed, and a ratio is worth more than its times.
"""
