"""Who proposes architectures: every searcher behind one ask and tell.

Imports `spaces`, `fronts` and `generator` of the method.
"""
