"""The method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestStrokeGAN(MethodContract):
    method = "strokegan"


class TestStrokeGANOfEveryVariant(MethodContract):
    """All variants, a guide, a warm start, copies of the grey, pairs that cover strokes."""

    method = "strokegan"
    options = (
        'variants=["cyclegan", "strokegan", "cyclegan_fs3", "strokegan_plus", "pix2pix", '
        '"strokegan_released", "pix2pix_stroke", "zi2zi_lite", "zi2zi_stroke"]',
        "channels=3",
        'strategy="stroke_cover"',
        "critic_weight=0.1",
        "identity_weight=0.5",
        "warm_start=0.4",
        'stroke_loss="mse"',
        'stroke_targets="both"',
    )
