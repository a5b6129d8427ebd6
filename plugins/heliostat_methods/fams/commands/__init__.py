"""`heliostat audit`. Imports `metrics` and what is shown of them."""
