"""Kinematic points, the spaces that their vectors live in, and how points are made."""
