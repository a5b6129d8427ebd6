"""Fonts as pictures: which are there, what they cover, and their glyphs drawn and kept."""
