"""Paths of each model with their weights, drawn anywhere by number.

Imports `weights`, `closed_form`, `contracts` and `arithmetic`.
"""
