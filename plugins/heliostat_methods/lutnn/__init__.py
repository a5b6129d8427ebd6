"""LUT-NN: inference by learned centroids and table lookup (arXiv 2302.03213)."""
