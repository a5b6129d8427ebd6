"""Stacked Gaussian networks, one a subgroup: divergence, barycentre, both levels of training."""
