"""One kernel over one picture's pixels: the engine, alpha, and the way back to the picture's own type.

Stands beside `pipeline`: both bring what is below them together for one picture, and know no files.
"""
