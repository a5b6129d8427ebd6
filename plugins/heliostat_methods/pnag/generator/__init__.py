"""The generator and what teaches it: budgets embedded, labels by dominance, ranking, policy steps.

Imports `spaces` alone of the method.
"""
