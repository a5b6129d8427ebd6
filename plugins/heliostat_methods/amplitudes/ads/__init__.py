"""Wavefunction coefficients in anti-de Sitter and de Sitter space, and what they make.

`wavefunction` (exact in AdS4/dS4), `flat_limit`, `correlator`, `general_dimension` (by quadrature),
`scalar_loop`; below them sums of exponentials and the radial equation that they solve.
"""
