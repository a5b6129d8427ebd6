"""Images and a space made into a supernet that trains, evaluates and gives its networks away.

Imports `spaces`, `supernet` and `cost` of the method, and its settings.
"""
