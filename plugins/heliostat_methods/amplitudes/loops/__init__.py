"""One-loop integrands by sewing: rings of vertices that join tree currents to the line of a loop.

`integrands` (a polynomial in the dimension D; `loop_frame`, `ring_vertices`, `line_algebra` and
`ring_sum` are what it is made of), `diagrams` and `drawing` (the rings, listed and drawn), `cuts`
(residues, and trees with physical states), `random_loops` and `loop_orderings` (points),
`loop_operators` and `sides` (relations), `batched` (floats), `all_plus` and `finite_combination`
(an integral that is known) with `sampling` and `adaptive_grid`, `ads_sewing` (a loop in AdS4).
"""
