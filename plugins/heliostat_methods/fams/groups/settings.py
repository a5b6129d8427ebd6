"""What can be set for subgroups, as fields that a method embeds under the name `groups`."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from heliostat import ConfigError, MethodConfig
from heliostat.errors import did_you_mean

Cuts = Annotated[tuple[float, ...], Field(min_length=1, max_length=999)]
Bands = Annotated[int, Field(ge=2, le=1000, strict=True)]


def _names(value: Any) -> Any:
    """Return one name alone as a list of it."""
    return (value,) if isinstance(value, str) else value


class GroupSettings(MethodConfig):
    """Which rows are one subgroup; as the arguments of `build_groups`.

    A name alone, or a list of them, stands for a table with these names in `by`.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    by: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (),
        description="attributes to cross, or columns; default: the data set's recipe, else all of "
        "its attributes; the last one is dropped first where groups are merged",
    )
    bands: dict[str, Bands | Cuts] = Field(
        {},
        description="numbers cut into bands, by name: where to cut, age = [25, 35, 45, 55], or how "
        "many bands of about equal size, age = 10",
    )
    min_group_size: int = Field(1, ge=1, description="rows below which a group is small")
    merge: Literal["keep", "parent", "drop"] = Field(
        "keep",
        description="small groups: left as they are, merged with other small ones that have the "
        "same attributes but the last, or left out",
    )
    missing: Literal["error", "group", "drop"] = Field(
        "error", description="rows without a value: refused, a group of their own, or left out"
    )

    @model_validator(mode="before")
    @classmethod
    def _only_names(cls, given: Any) -> Any:
        return {"by": given} if isinstance(given, str | list | tuple) else given

    @model_validator(mode="after")
    def _cuts_fit(self) -> GroupSettings:
        for name, cuts in self.bands.items():
            if self.by and name not in self.by:
                hint = did_you_mean(name, self.by)
                raise ConfigError("groups.bands", name, "attributes that `by` names", hint)
            if not isinstance(cuts, int) and any(high <= low for low, high in pairwise(cuts)):
                raise ConfigError(f"groups.bands[{name!r}]", cuts, "numbers that increase")
        return self
