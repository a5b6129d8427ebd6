"""Training of StrokeGAN+ and of what it is compared with, from named streams, bit for bit."""
