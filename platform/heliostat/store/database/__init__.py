"""The tables of a journal as SQLite holds them: strict, and each row with its seal.

Imports values, and errors.
"""
