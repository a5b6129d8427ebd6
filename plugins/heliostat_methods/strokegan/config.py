"""What can be set: fonts, characters, pairs, variants, and how they are trained.

Settings of the paper's released code are marked so; what had to be reconstructed is marked [R].
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig, PartKind, PartRef
from heliostat.errors import did_you_mean
from heliostat_methods.strokegan.names import CONTROLS, VARIANTS

GeneratorRef = Annotated[PartRef, PartKind("glyph_generator")]
ONWARDS = (
    "begin", "redrawn", "steps", "learning_rate", "seeds", "critics", "critic_steps", "device",
)  # fmt: skip
"""What may be set where a run goes on from another."""
Weight = Annotated[float, Field(ge=0, le=1e6)]


class StrokeGANConfig(MethodConfig):
    """Glyphs of a target font drawn from a source font's, by several methods over paired seeds."""

    model_config = ConfigDict(allow_inf_nan=False)

    source: str = Field(
        "sample-kai", description="font that has every character: a file, or a known font's name"
    )
    targets: tuple[str, ...] = Field(
        ("sample-kuaile",), min_length=1, description="fonts to draw, each a task of its own"
    )
    critics: tuple[str, ...] = Field(
        (), description="further fonts that the critic learns to read; never a target"
    )
    characters: int = Field(
        500, ge=20, le=30_000, description="characters of the fonts that take part, spread evenly"
    )
    train_share: float = Field(
        0.8, gt=0.05, lt=0.95, description="of the characters that train; the others are held out"
    )
    pairs: float = Field(
        0.2, gt=0, le=1, description="share of the training characters known in both fonts [R]"
    )
    unpaired: int = Field(
        0, ge=0, le=30_000,
        description="further characters of the source font alone, which no target has to have; for "
        "targets of few drawings",
    )  # fmt: skip
    strategy: Literal["collision", "random", "stroke_cover"] = Field(
        "collision",
        description="how pairs are chosen: one of each class of equal stroke codes in turn, at "
        "random, or to cover all strokes [R]",
    )
    variants: tuple[str, ...] = Field(
        ("cyclegan", "strokegan", "cyclegan_fs3", "strokegan_plus"),
        description="what is compared, beside copy_source and l1_pairs_only: "
        + ", ".join(VARIANTS),
    )
    seeds: int = Field(3, ge=1, le=1_000, description="paired trainings of each variant")

    begin: GeneratorRef | None = Field(
        None,
        description="go on from what a run left, as run:RUN or run:RUN/PRODUCT; fonts, characters "
        "and networks are that run's, and steps are further ones",
    )
    redrawn: str | None = Field(
        None,
        description="folder of pictures named by their characters, as 永.png or U+6C38.png, that "
        "become pairs where it goes on",
    )

    size: Annotated[int, Field(ge=16, le=256, multiple_of=4)] = Field(
        32, description="pixels of a side (authors: 128)"
    )
    channels: Literal[1, 3] = Field(1, description="grey, or three copies (authors: 3)")
    width: int = Field(10, ge=1, le=512, description="channels of the networks (authors: 64)")
    blocks: int = Field(3, ge=0, le=32, description="residual blocks of a generator (authors: 9)")
    steps: int = Field(500, ge=1, le=10_000_000, description="steps of each training")
    batch: int = Field(8, ge=1, le=1_024, description="glyphs of each font in a step (authors: 2)")
    learning_rate: float = Field(
        2e-4, gt=0, le=1, description="Adam's, constant and then linearly to 0 (authors)"
    )
    rate_factors: tuple[Annotated[float, Field(ge=1e-6, le=1e6)], ...] = Field(
        (1.0,),
        min_length=1,
        description="rates tried for each variant on training characters held back, as factors of "
        "learning_rate; one alone is taken as it is",
    )
    rate_growths: int = Field(
        1, ge=0, le=100,
        description="rates that may be added beyond each edge while the best one lies there",
    )  # fmt: skip
    rate_targets: int = Field(
        1, ge=1, le=1_000, description="target fonts, from the first on, on which a rate is chosen"
    )
    rate_seeds: int = Field(
        1, ge=1, le=1_000, description="trainings, with seeds of their own, that choose a rate"
    )
    average: float = Field(
        0.99, ge=0, lt=1,
        description="what draws has weights averaged over steps, which keep so much at each; 0: "
        "the last weights (authors)",
    )  # fmt: skip
    warm_start: float = Field(
        0.0, ge=0, le=0.9, description="share of the steps that begin on pairs alone, where a "
        "variant has pairs",
    )  # fmt: skip
    cycle_weight: Weight = Field(10.0, description="of the way there and back (authors: 10)")
    identity_weight: Weight = Field(
        0.0, description="times cycle_weight (authors: 0.5, which costs two passes)"
    )
    stroke_weight: Weight = Field(0.18, description="of the stroke loss (authors, by word: 0.18)")
    stroke_loss: Literal["bce", "mse"] = Field("bce", description="on logits [R], or as released")
    stroke_targets: Literal["real", "fake", "both"] = Field(
        "real", description="glyphs that teach the discriminator to read strokes [R]"
    )
    pair_weight: Weight = Field(10.0, description="of the pixel loss on pairs [R]")
    critic_weight: Weight = Field(
        0.0, description="of what the frozen critic reads of generated glyphs, a guide [R]"
    )
    critic_steps: int = Field(
        300,
        ge=10,
        le=1_000_000,
        description="steps of the critic that reads characters and strokes",
    )
    precision: Literal["float32", "bfloat16", "auto"] = Field(
        "float32",
        description="of the networks' arithmetic; auto: what two steps here show to be faster, so "
        "that a result depends on the machine it was measured on",
    )
    memory_format: Literal["contiguous", "channels_last", "auto"] = Field(
        "contiguous", description="how pictures lie in memory; auto: as precision has it"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="where networks train; auto: on a GPU where a worker has one"
    )

    @field_validator("targets", "critics", "variants", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits(self) -> StrokeGANConfig:
        for place, name in enumerate(self.variants):
            if name not in VARIANTS:
                hint = did_you_mean(name, VARIANTS)
                raise ConfigError(f"variants[{place}]", name, "the name of a variant", hint)
        for field in ("targets", "critics", "variants", "rate_factors"):
            names = getattr(self, field)
            if len(set(names)) < len(names):
                raise ConfigError(field, list(names), "each once")
        for place, name in enumerate(self.critics):
            # where it goes on, the target is that of the run that it begins with
            if name in self.targets and self.begin is None:
                expected = "a font that is no target: a critic that saw one flatters every variant"
                raise ConfigError(f"critics[{place}]", name, expected)
        if self.redrawn is not None and self.begin is None:
            raise ConfigError("redrawn", self.redrawn, "begin, a run that goes on with it")
        if self.source in self.targets:
            raise ConfigError("targets", self.source, "fonts other than the source")
        if self.characters * self.train_share < 10:
            raise ConfigError("train_share", self.train_share, "a share that trains 10 characters")
        if self.characters * (1 - self.train_share) < 10:
            raise ConfigError("train_share", self.train_share, "a share that leaves 10 characters")
        return self

    def contestants(self) -> tuple[str, ...]:
        """Return the variants with the controls, in the order of tables."""
        return tuple(name for name in VARIANTS if name in (*CONTROLS, *self.variants))

    def training(self) -> dict[str, Any]:
        """Return what all variants share, as `TrainingSettings` names it."""
        return {
            "image_size": self.size, "channels": self.channels, "width": self.width,
            "blocks": self.blocks, "steps": self.steps, "batch": self.batch,
            "learning_rate": self.learning_rate, "cycle_weight": self.cycle_weight,
            "identity_weight": self.identity_weight, "stroke_weight": self.stroke_weight,
            "stroke_loss": self.stroke_loss, "stroke_targets": self.stroke_targets,
            "pair_weight": self.pair_weight, "critic_weight": self.critic_weight,
            "average": self.average, "warm_start": int(self.warm_start * self.steps),
            "precision": self.precision, "memory_format": self.memory_format,
            "device": self.device,
        }  # fmt: skip
