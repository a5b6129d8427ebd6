"""Names of the variants, which a configuration checks without loading any of them."""

VARIANTS = {
    "conv": "ordinary convolutions",
    "static": "one learnable width of the mask in each layer (S-GMConv)",
    "per_channel": "one learnable width for each output channel",
    "fixed": "a mask of constant width",
    "circle": "a mask of 0 and 1 in the shape of a disc",
    "dynamic": "a width predicted from each sample (D-GMConv)",
    "mixed": "static in the first layer, dynamic in those above",
}
"""In the order in which tables show them, with what each is."""
