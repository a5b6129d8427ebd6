"""Operators on polarisations, which turn gluons into scalars and pions."""
