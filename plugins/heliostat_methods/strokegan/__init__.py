"""Few-shot Chinese fonts: glyphs from a stroke code and few pairs, and a font file at the end.

>>> from heliostat_methods.strokegan import StrokeEncoder, StrokeVocabulary
>>> encoder = StrokeEncoder(StrokeVocabulary())
>>> code = encoder.encode("永")
>>> [encoder.vocabulary.at(int(i)).id for i in code.nonzero()[0]]
['pie', 'dian', 'na', 'hengpie', 'hengzhegou']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
    from heliostat_methods.strokegan.critics.training import train_glyph_classifier
    from heliostat_methods.strokegan.font_file.export import export_font
    from heliostat_methods.strokegan.font_file.licence import FontLicence, read_licence
    from heliostat_methods.strokegan.font_file.scan import read_page, read_sheet
    from heliostat_methods.strokegan.font_file.sheet import make_sheet
    from heliostat_methods.strokegan.font_file.sheet_layout import SheetLayout
    from heliostat_methods.strokegan.fonts.catalogue import available, font_statuses
    from heliostat_methods.strokegan.fonts.drawings import DrawnGlyphs
    from heliostat_methods.strokegan.fonts.embedded import default_fonts
    from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
    from heliostat_methods.strokegan.metrics.frechet import frechet_distance
    from heliostat_methods.strokegan.metrics.modes import mode_coverage
    from heliostat_methods.strokegan.metrics.pixels import l1, psnr
    from heliostat_methods.strokegan.metrics.retrieval import retrieval_accuracy
    from heliostat_methods.strokegan.metrics.strokes import stroke_error
    from heliostat_methods.strokegan.metrics.structure import ssim
    from heliostat_methods.strokegan.networks.patch_discriminator import PatchDiscriminator
    from heliostat_methods.strokegan.networks.residual_generator import ResnetGenerator
    from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
    from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
    from heliostat_methods.strokegan.strokes.pair_selection import PairSelector
    from heliostat_methods.strokegan.strokes.vocabulary import StrokeVocabulary
    from heliostat_methods.strokegan.tracing.outline import outlines
    from heliostat_methods.strokegan.training.settings import TrainingSettings
    from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer
    from heliostat_methods.strokegan.training.variants import variant_settings

_HOME = {
    "DrawnGlyphs": "fonts.drawings",
    "FontLicence": "font_file.licence",
    "FontPairData": "pairs.font_pair_data",
    "GlyphClassifier": "critics.glyph_classifier",
    "GlyphRenderer": "fonts.rendering",
    "PairSelector": "strokes.pair_selection",
    "PatchDiscriminator": "networks.patch_discriminator",
    "ResnetGenerator": "networks.residual_generator",
    "SheetLayout": "font_file.sheet_layout",
    "StrokeEncoder": "strokes.encoder",
    "StrokeGANTrainer": "training.trainer",
    "StrokeVocabulary": "strokes.vocabulary",
    "TrainingSettings": "training.settings",
    "available": "fonts.catalogue",
    "default_fonts": "fonts.embedded",
    "export_font": "font_file.export",
    "font_statuses": "fonts.catalogue",
    "frechet_distance": "metrics.frechet",
    "l1": "metrics.pixels",
    "make_sheet": "font_file.sheet",
    "mode_coverage": "metrics.modes",
    "outlines": "tracing.outline",
    "psnr": "metrics.pixels",
    "read_licence": "font_file.licence",
    "read_page": "font_file.scan",
    "read_sheet": "font_file.scan",
    "retrieval_accuracy": "metrics.retrieval",
    "ssim": "metrics.structure",
    "stroke_error": "metrics.strokes",
    "train_glyph_classifier": "critics.training",
    "variant_settings": "training.variants",
}
__all__ = [
    "DrawnGlyphs",
    "FontLicence",
    "FontPairData",
    "GlyphClassifier",
    "GlyphRenderer",
    "PairSelector",
    "PatchDiscriminator",
    "ResnetGenerator",
    "SheetLayout",
    "StrokeEncoder",
    "StrokeGANTrainer",
    "StrokeVocabulary",
    "TrainingSettings",
    "available",
    "default_fonts",
    "export_font",
    "font_statuses",
    "frechet_distance",
    "l1",
    "make_sheet",
    "mode_coverage",
    "outlines",
    "psnr",
    "read_licence",
    "read_page",
    "read_sheet",
    "retrieval_accuracy",
    "ssim",
    "stroke_error",
    "train_glyph_classifier",
    "variant_settings",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
