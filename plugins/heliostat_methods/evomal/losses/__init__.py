"""A loss as a value and its forms: tree, formula, text, SymPy, torch; imports no room beside it."""
