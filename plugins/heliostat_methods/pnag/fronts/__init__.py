"""Trade-offs of accuracy and cost: the archive, regret, and exact fronts of additive measures.

Imports `spaces` alone of the method.
"""
