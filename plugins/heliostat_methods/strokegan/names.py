"""Names that a configuration checks without loading what they stand for."""

VARIANTS = {
    "copy_source": "the source glyph as it is: the floor",
    "l1_pairs_only": "a generator by pixel loss on the few pairs alone: the honest control",
    "cyclegan": "two generators there and back, no strokes, no pairs",
    "strokegan": "CycleGAN whose discriminators read the stroke code",
    "cyclegan_fs3": "CycleGAN with few pairs",
    "strokegan_plus": "strokes and few pairs: the method",
    "strokegan_released": "StrokeGAN as its code was released, errors included, for the record",
    "pix2pix": "one generator, a discriminator that sees the source too, all pairs",
    "pix2pix_stroke": "pix2pix whose discriminator reads the stroke code",
    "zi2zi_lite": "pix2pix with an embedding of fonts, constancy and category, all pairs",
    "zi2zi_stroke": "zi2zi whose discriminator reads the stroke code",
}
"""In the order in which tables show them, with what each is."""
BEFORE, LONGER, REDRAWN = "before", "going_on", "redrawn"
ONWARD = {
    BEFORE: "the generator that it begins with, as it was",
    LONGER: "as many further steps with the pairs that it had: the honest control",
    REDRAWN: "further steps with the characters that were drawn again as pairs",
}
"""What a run that goes on compares."""
CONTROLS = ("copy_source", "l1_pairs_only")
"""In every table, whatever is compared: without them no figure says anything."""
STRATEGIES = ("collision", "random", "stroke_cover")
"""Ways to choose the pairs."""
