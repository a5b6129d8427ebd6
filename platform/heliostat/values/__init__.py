"""Values as they are written and named: canonical text, permanent names, streams, outcomes.

Imports errors, names and terminal alone.
"""
