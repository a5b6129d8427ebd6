"""Masks over the taps of a kernel: Gaussian and circular, and how a width is parametrised."""
