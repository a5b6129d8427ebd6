"""How small networks begin and are moved: perceptrons and the optimisers that the method uses.

Imports nothing else of the method.
"""
