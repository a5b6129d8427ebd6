"""`heliostat verify-relations`."""
