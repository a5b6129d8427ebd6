"""LUT-NN: linear and convolution layers by learned centroids and table lookup (arXiv 2302.03213)."""
