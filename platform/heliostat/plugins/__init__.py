"""Which plugins there are, which may be imported, what each offers, and who watches a run.

Imports contract and everything below; loads the collection of built-in plugins by its name.
"""
