"""How fair and how accurate scores are, from arrays alone. Imports `groups`."""
