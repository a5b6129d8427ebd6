"""What can be chosen: spaces as decisions, their networks as numbers, moves in them.

Imports nothing else of the method.
"""
