"""Names that a configuration checks without loading what they stand for."""

RELATIONS = {
    "gauge": "A_YM vanishes where e_i -> k_i",
    "cyclic": "A_YM is cyclic",
    "reflection": "A_YM of a word read backwards is (-1)^n A_YM",
    "u1": "a gluon summed over all its places decouples",
    "kk": "Kleiss-Kuijf: A_YM of any word by those with legs 0 and n-1 at its ends",
    "bcj": "the fundamental BCJ relation, sum_i k_0.(k_1+..+k_i) A_YM(1..i, 0, i+1..) = 0",
    "forms": "the cubic recursion gives the amplitudes of the vertices V3 and V4",
    "modes": "operators act alike by substitution and by finite differences",
    "symbols": "operators act alike by substitution and as derivatives of a polynomial",
    "pair": "T[i j] A_YM = A_YMS, legs i and j scalars of one flavour",
    "pairs": "T[i j] T[k l] .. A_YM = A_YMS with a flavour each, and their contact term",
    "current": "T[i j] of the current 2 s_P A_P is that with scalars i and j",
    "trace": "T[a_1 .. a_m] A_YM = A_{YM+phi^3} with the scalars in one trace",
    "biadjoint": "T[a_1 .. a_n] A_YM = (-1)^n m(word|a)",
    "cubic_graphs": "m(word|a) is the sum over the cubic graphs that are planar in both orders",
    "pions": "T[0 n-1] prod L_i A_YM is cyclic, 0 for odd n, and the known one for 4 and 6",
    "soft": "A_YM of a soft gluon is the leading soft factor times A_YM without it",
    "mhv": "A_YM(0-, 1-, 2+, ..) is Parke and Taylor's formula",
    "helicity_zeros": "A_YM of all plus, and of one minus, vanishes",
    "ads_cyclic": "psi_YM is cyclic, though its last leg is treated apart",
    "ads_flat": "at sum |k_i| = 0 the residue of psi_YM is the flat A_YM",
    "ads_pair": "T[i j] psi_YM = psi_YMS, scalars of dimension 2",
    "ads_pairs": "T[i j] T[k l] psi_YM = psi_YMS with a flavour each",
    "ads_trace": "T[a_1 .. a_m] psi_YM = psi_{YM+phi^3}, the coupling constant in the half space",
    "ads_exchange": "psi of flavours a a b b and a b a b is the known closed form",
    "ads_correlator": "the correlator <a a b b> is an integral over Euclidean propagators",
    "loop_dimension": "d/dD I_YM(D) = I_scalar, a scalar around the loop, in both gauges",
    "loop_pairs": "T[i j] .. I_YM(D) = I_YMS(D), gluons, scalars and ghosts around the loop",
    "loop_polygon": "prod_i d/d(l.e_i) I_scalar = (-2)^n / prod_i d_i",
    "loop_unitarity": "a cut of I_YM is the product of trees with physical states, in both gauges",
    "loop_gauge": "a cut of I_YM vanishes where e_i -> k_i",
    "loop_cyclic": "I_YM and I_scalar are cyclic, l carried along",
    "loop_reflection": "I of the order read backwards, with -l, is (-1)^n I",
}
"""Each relation and what it says, in the order in which tables show them."""
QUANTITIES = ("ym", "yms", "ym_phi3", "bas", "nlsm", "psi_ym")
"""What can be reconstructed from residues."""
MOST_AGAIN = 20
"""Points in doubt of a task that are computed again with 40 digits; further ones are counted."""
DISCOVERIES = ("operators", "poles")
"""What can be searched for."""
