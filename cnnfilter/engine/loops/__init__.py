"""All compiled code, and nothing else: no validation, no allocation, no Python objects.

Values that travel together arrive as one group: see `engine/groups`. Every array arrives ready: of the right type,
large enough, C-contiguous. Sources are flat, so that one loop serves a grey picture, the interleaved channels of a
colour picture and a stack of feature maps: a tap is an offset into the samples and a weight.

Loops that matter are written in lanes: see `engine/lanes`. What is left to LLVM's vectoriser takes `r = x[o : o + n]`
and reads `r[j]`: reading `x[o + j]` would keep the check for negative indices inside the loop, which costs a factor
of seven. A `part` is compiled into each loop that calls it, and a `loop` on its own.

What the rest of the engine calls is named here, and loads Numba only where nothing was compiled before.
"""

from cnnfilter.runtime.native import Loop

filter_block = Loop("taps", "filter_block")
filter_rows = Loop("taps", "filter_rows")
separable_block = Loop("separable", "separable_block")
box_rows = Loop("running", "box_rows")
filter_tiles = Loop("spectra", "filter_tiles")
dense_rows = Loop("dense", "dense_rows")
pad_rows = Loop("banks", "pad_rows")
apart_windows = Loop("apart", "apart_windows")
apart_rows = Loop("apart", "apart_rows")
bank_rows = Loop("banks", "bank_rows")
transform_filters = Loop("winograd", "transform_filters")
winograd_rows = Loop("winograd", "winograd_rows")
pooled_block = Loop("pooled", "pooled_block")
extremes = Loop("sizes", "extremes")
max_pool_rows = Loop("pooling", "max_pool_rows")
sum_pool_rows = Loop("pooling", "sum_pool_rows")
attend = Loop("crew", "attend")
lead = Loop("crew", "lead")
largest_sizes = Loop("sizes", "largest_sizes")
add_maps = Loop("joins", "add_maps")
weigh_rows = Loop("learning", "weigh_rows")
largest_windows = Loop("learning", "largest_windows")
to_winners = Loop("learning", "to_winners")
sum_windows = Loop("learning", "sum_windows")
spread_windows = Loop("learning", "spread_windows")
rectify = Loop("learning", "rectify")
pass_rectified = Loop("learning", "pass_rectified")
pass_curved = Loop("learning", "pass_curved")
correlate = Loop("correlation", "correlate")
