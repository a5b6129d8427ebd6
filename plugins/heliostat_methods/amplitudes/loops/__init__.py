"""One-loop integrands by sewing: rings of vertices that join tree currents to the line of a loop.

`integrands` (a polynomial in the dimension D), `diagrams` and `drawing` (the rings, listed and
drawn), `cuts` (residues, and products of trees with physical states), `loop_operators` and `sides`
(relations), `batched` (floats), `all_plus` (an integral that is known), `ads_sewing`.
"""
