"""Chinese fonts from few drawn characters, guided by a code of strokes (StrokeGAN+)."""
