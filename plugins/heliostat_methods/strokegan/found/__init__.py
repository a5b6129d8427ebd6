"""Generators of a run, kept so that glyphs can be drawn and fonts made of them."""
