"""All compiled code, and nothing else: no validation, no allocation, no Python objects.

Every array arrives ready: of the right type, large enough, its rows contiguous. Sources are flat, so that one
loop serves a grey picture, the interleaved channels of a colour picture and a stack of feature maps: a tap is
an offset into the samples and a weight.

Written for the vectoriser. A loop takes `r = x[o : o + n]` and reads `r[j]`: reading `x[o + j]` would keep the
check for negative indices inside the loop, which costs a factor of seven.
"""

from cnnfilter.engine.loops.pooling import max_pool_rows, sum_pool_rows
from cnnfilter.engine.loops.running import box_rows
from cnnfilter.engine.loops.separable import separable_rows
from cnnfilter.engine.loops.taps import MAGNITUDE, MAXIMUM, SINGLE, filter_rows
from cnnfilter.engine.loops.unrolling import unroll_rows

__all__ = [
    "MAGNITUDE",
    "MAXIMUM",
    "SINGLE",
    "box_rows",
    "filter_rows",
    "max_pool_rows",
    "separable_rows",
    "sum_pool_rows",
    "unroll_rows",
]
