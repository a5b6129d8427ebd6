"""A book of contracts: rows of a file, priced together.

Imports `closed_form` and `contracts`.
"""
