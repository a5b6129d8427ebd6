"""How a loss begins, whether it can be used, and one that adapts in a loop of one's own."""
