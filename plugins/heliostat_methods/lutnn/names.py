"""Names of the variants, which a configuration checks without loading any of them."""

VARIANTS = {
    "dense": "the dense network as it was trained",
    "dense_longer": "the dense network, trained on by as many steps",
    "int8": "linear layers with dynamic int8 weights of torch, convolutions dense",
    "pq": "centroids by k-means, nothing fine-tuned (plain product quantisation)",
    "maddness": "hash trees and ridge-regressed prototypes, nothing fine-tuned (MADDNESS)",
    "lutnn": "centroids, weights and temperature fine-tuned by soft assignments (LUT-NN)",
    "constant": "as lutnn, the temperature stays",
    "annealed": "as lutnn, the temperature falls from 1 to 0.1",
    "squared": "as lutnn, with squared distances",
    "hard": "as lutnn, a gradient for the chosen entries alone",
    "fixed_weight": "as lutnn, weights under the tables stay",
    "per_output": "as lutnn, a scale of the int8 tables for each output",
    "float_tables": "as lutnn, trained and measured with float tables, which no kernel takes",
    "random_init": "as lutnn, from random centroids",
    "all_layers": "as lutnn, first and last layers too",
}
"""In the order in which tables show them, with what each is."""
UNTRAINED = ("dense", "int8", "pq", "maddness")
"""Those that take no step after the dense training."""
DENSE = ("dense", "dense_longer", "int8")
"""Those without lookups."""
