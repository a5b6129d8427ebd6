"""A book of contracts: rows of a file, priced together, summed, checked and moved.

Imports `engines`, `closed_form` and `contracts`.
"""
