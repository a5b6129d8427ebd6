"""Losses of StrokeGAN+ and its relatives; all are means over all elements."""
