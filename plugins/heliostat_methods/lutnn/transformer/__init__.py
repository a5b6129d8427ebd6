"""A small packaged transformer and real text, to convert and time a whole model with."""
