"""Prices without paths and grids: Black-Scholes, Laplace inversion, spectrum, occupation densities.

Imports `contracts` and `arithmetic`.
"""
