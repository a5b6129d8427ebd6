"""One network that holds all others: elastic blocks, training, evaluation by prefix, extraction.

Imports `spaces` alone of the method.
"""
