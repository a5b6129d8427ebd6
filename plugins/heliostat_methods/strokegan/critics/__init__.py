"""A classifier of glyphs that judges generators: it never saw the target font."""
