"""The run's own steps: a supernet trained, searchers side by side, what is left of them.

Imports everything below it; the search at the root puts the steps in order.
"""
