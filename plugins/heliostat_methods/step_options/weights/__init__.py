"""The exact short-time kernel: what a step costs a path, given both of its ends.

Imports `closed_form`, `contracts` and `arithmetic`.
"""
