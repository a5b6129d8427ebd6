"""The method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestAmplitudes(MethodContract):
    method = "amplitudes"


class TestAmplitudesWithEveryStudy(MethodContract):
    """Floats over phase space, cost, reconstruction in AdS, searches, figures."""

    method = "amplitudes"
    options = (
        'relation=["mhv", "ads_exchange"]',
        'field=["gf:2147483629", "complex128"]',
        "batch=256",
        "batch_block=64",
        "batch_legs=6",
        "flag_above=1e-14",
        "cost_legs=4",
        "integrate=1",
        'reconstruct=["psi_ym"]',
        'discover=["operators", "poles"]',
        "generations=3",
        "population=8",
        "figures=true",
    )
