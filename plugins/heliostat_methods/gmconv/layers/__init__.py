"""Convolutions whose kernels are masked, with one width or with widths that the input says."""
