"""Runs in the formats of other tools, each an optional dependency.

Imports store and everything below.
"""
