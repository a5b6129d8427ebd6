"""What is shown of a run: on a terminal, and as a page with the glyphs themselves."""
