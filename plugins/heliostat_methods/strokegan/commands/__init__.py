"""`heliostat font`."""
