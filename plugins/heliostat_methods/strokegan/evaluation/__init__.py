"""Generated glyphs held against the true ones: every metric with its ceiling and floor."""
