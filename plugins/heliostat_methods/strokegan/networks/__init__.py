"""Generators and discriminators of glyphs, and the head that reads a stroke code."""
