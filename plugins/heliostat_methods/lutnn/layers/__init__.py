"""Layers by table lookup: such that train, and what they are frozen to for inference."""
