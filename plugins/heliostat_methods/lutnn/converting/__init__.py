"""Models with layers by table lookup: which layers, what it costs, frozen, in files."""
