"""Searches that find again what is known: the poles of amplitudes, and operators on them."""
