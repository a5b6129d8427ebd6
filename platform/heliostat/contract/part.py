"""Parts: data sets, models, losses, metrics that methods and plugins offer each other by name.

A configuration names a part as a string or as a table with parameters::

    loss = "cross_entropy"
    loss = {name = "focal", gamma = 2.0}
    loss = "run:20260101-120000-my_method-ab12"      # what a finished run left
    model = "run:20260101-120000-my_method-ab12?budget=12ms"     # with parameters, in short

Each kind has a protocol; whoever builds a part of that kind returns an object that follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from heliostat.contract.fields import Fields, short
from heliostat.contract.product_name import read_parameters
from heliostat.errors import PluginError
from heliostat.values.names import stored

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}\Z")


class NoParameters(BaseModel):
    """The configuration of a part that has nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class PartSpec:
    """One named part: `build(config)` returns an object of the kind's protocol.

    `prefix` marks a family whose name carries an argument, such as ``csv:PATH``: `build` is then
    called as `build(argument, config)`. `inputs(argument)` lists files whose contents belong to
    the identity of a run that uses the part. A family that is also `bare` may be named without an
    argument, which is then empty: its files are where it knows itself. Raises PluginError for a
    field that is not so.
    """

    kind: str
    name: str
    build: Callable[..., Any]
    summary: str
    config: type[BaseModel] = NoParameters
    prefix: bool = False
    inputs: Callable[[str], list[Path]] | None = None
    bare: bool = False

    def __post_init__(self) -> None:
        fields = Fields(f"{short(self.kind)} {short(self.name)}")
        fields.identifier("kind", self.kind)
        expected = "at most 64 letters, digits, '_', '.', '+' and '-'"
        fields.name("name", self.name, _NAME, expected)
        fields.unless(callable(self.build), "build", self.build, "a function")
        fields.text("summary", self.summary)
        fields.model("config", self.config, "pydantic.BaseModel")
        fields.unless(isinstance(self.prefix, bool), "prefix", self.prefix, "True or False")
        fields.function("inputs", self.inputs)
        fields.unless(isinstance(self.bare, bool), "bare", self.bare, "True or False")


@stored("heliostat.part_ref")
@dataclass(frozen=True)
class PartRef:
    """How a configuration names a part: its name and the parameters that differ from defaults."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""

    def plain(self) -> str | dict[str, Any]:
        """Return the form a TOML file holds: a string, or a table when there are parameters."""
        return {"name": self.name, **self.params} if self.params else self.name


@dataclass(frozen=True)
class PartKind:
    """Marks a configuration field as naming a part: ``Annotated[PartRef, PartKind("loss")]``."""

    kind: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read a string or a table, write the same back."""
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda ref: ref.plain(), return_schema=core_schema.any_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        """Describe the field in the method's JSON schema."""
        return {
            "description": f"name of a {self.kind} (see: heliostat parts {self.kind})",
            "part": self.kind,
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"name": {"type": "string"}}},
            ],
        }

    def _read(self, value: object) -> PartRef:
        if isinstance(value, PartRef):
            return self._named(value.name, value.params)
        if isinstance(value, str):
            return self._named(value, {})
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return self._named(value["name"], {k: v for k, v in value.items() if k != "name"})
        raise ValueError(
            f'expected the name of a {self.kind}, or a table {{name = "...", ...}} with parameters'
        )

    def _named(self, text: str, params: Mapping[str, Any]) -> PartRef:
        name, short_form = read_parameters(text)
        twice = [key for key in short_form if key in params]
        if twice:
            raise ValueError(f"every parameter once, {twice[0]} is given twice")
        return PartRef(name, {**short_form, **params}, self.kind)


@runtime_checkable
class Dataset(Protocol):
    """Kind "dataset": samples with targets, not yet split or scaled.

    `inputs`: (samples, *shape), float32 or float64; they are rounded to float32 once their mean
    and deviation are taken out. `targets`: (samples,), of the same types for regression, int64
    class numbers 0..classes-1 for classification. `classes`: 1 for regression.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def task(self) -> str: ...  # noqa: D102
    @property
    def inputs(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def targets(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def classes(self) -> int: ...  # noqa: D102


@runtime_checkable
class Model(Protocol):
    """Kind "model": a recipe for a network that emits logits (no activation at the output)."""

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> torch.nn.Module:
        """Return a freshly initialised network; all randomness comes from `generator`."""
        ...

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...] | None:
        """Return the layer widths of a dense ReLU network, None for any other architecture."""
        ...


@runtime_checkable
class Loss(Protocol):
    """Kind "loss": maps logits (batch, classes) and targets (batch,) to a scalar tensor.

    `tasks` says what it can train: "regression", "classification" or both.
    """

    @property
    def tasks(self) -> tuple[str, ...]: ...  # noqa: D102
    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of the batch."""
        ...


@runtime_checkable
class Layer(Protocol):
    """Kind "layer": a recipe for one layer of a network that another method composes.

    The module that it makes may say two things of itself: `shipped()` returns the form that
    inference runs (folded, frozen), which is what is timed, and `multiply_adds(input_shape)` what
    it computes for one sample where that is not what torch counts.
    """

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> torch.nn.Module:
        """Return a freshly initialised layer; all randomness comes from `generator`."""
        ...


@runtime_checkable
class Score(Protocol):
    """Kind "metric": maps logits (samples, classes) and targets (samples,) to one number.

    `direction` is "min" or "max": which end is better.
    """

    @property
    def direction(self) -> str: ...  # noqa: D102
    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Return the metric over all samples."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Kind "sampler": points in the unit cube."""

    def points(
        self, count: int, dimensions: int, generator: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return points in [0, 1), (count, dimensions); randomness comes from `generator`."""
        ...


PROTOCOLS: Mapping[str, type] = {
    "dataset": Dataset,
    "model": Model,
    "layer": Layer,
    "loss": Loss,
    "metric": Score,
    "sampler": Sampler,
}
"""What a part of each kind has to follow; a plugin may add kinds that only it and others know."""


def check_part_object(kind: str, name: str, part: object) -> None:
    """Raise PluginError naming what a part that was built lacks of the protocol of its kind."""
    protocol = PROTOCOLS.get(kind)
    if protocol is None or isinstance(part, protocol):
        return
    names = [n for n in dir(protocol) if not n.startswith("_")]
    missing = [n for n in names if not hasattr(part, n)] or ["__call__"]
    raise PluginError(
        f"{kind} {name!r} gave a {type(part).__name__}, which lacks {', '.join(missing)} "
        f"of the {kind} protocol"
    )
