"""Step options, the models of their underlying, and the one-dimensional problem that both make.

Imports no other room.
"""
