"""A table of searches and what it will cost; may import `comparison` and below."""
