"""EvoMAL: symbolic loss functions by genetic programming and unrolled differentiation."""
