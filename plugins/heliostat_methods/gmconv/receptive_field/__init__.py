"""The effective receptive field of a unit: measured on a model, and in closed form for towers."""
