"""A network with convolutions of one kind, trained, and what is measured of it."""
