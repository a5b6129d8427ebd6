"""`heliostat networks`: networks that past runs have left, listed and taken away."""
