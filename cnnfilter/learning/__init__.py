"""What networks learn: gradients, losses, optimisers, and what is made of them."""
