"""Engines on a grid of prices: finite differences, and the path integral slice by slice.

Imports `weights`, `closed_form`, `contracts` and `arithmetic`.
"""
