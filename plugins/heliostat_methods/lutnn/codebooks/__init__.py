"""Codebooks in torch: which centroid is nearest, tables of products, the soft gradient."""
