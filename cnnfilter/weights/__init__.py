"""Learned numbers from files, untrusted: banks of filters, matrices, and the biases that belong to them."""
