"""A run's folder: journal, artifacts, lock, views. Nothing in it is ever unpickled.

Imports values, and errors, names and terminal.
"""
