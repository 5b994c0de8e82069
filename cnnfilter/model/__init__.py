"""What a filter or a network is: sizes, kernels, weights. No pixels and no compiler."""
