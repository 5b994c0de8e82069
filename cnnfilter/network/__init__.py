"""What a network is: its stages, their language, its plan, what one value sees. No pixels, and no compiler."""
