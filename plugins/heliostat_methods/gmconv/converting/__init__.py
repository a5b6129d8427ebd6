"""Models converted to masked convolutions and back, their widths in optimisers and reports."""
