"""What runs over one picture: a kernel, with alpha and the way back to the picture's own type, or a chain's stages.

It brings what is below it together, and knows no files.
"""
