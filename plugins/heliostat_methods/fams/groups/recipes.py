"""Usual subgroups of data sets, by the name of the data set; any field can be set otherwise."""

from __future__ import annotations

from heliostat_methods.fams.groups.settings import GroupSettings

_PLAIN = {
    # 37 groups; it reproduces the cells that docs/methods/fams.md calls Adult
    "adult": {
        "by": ("race", "sex", "age"),
        "bands": {"age": (25, 35, 45, 55)},
        "min_group_size": 40,
        "merge": "drop",
    },
    "celeba_attributes": {
        "by": (
            *("Male", "Young", "Big_Nose", "Smiling", "High_Cheekbones", "Eyeglasses"),
            *("Wearing_Hat", "Pale_Skin"),
        ),
    },
    "compas": {"by": ("race", "sex", "age"), "bands": {"age": (25, 35, 45)}},
    "diabetes_binary": {"by": ("sex", "age"), "bands": {"age": (40, 50, 60)}},
    "fetter_mortgages": {"by": ("birth_state", "nonwhite")},
    "health": {"by": ("age", "sex")},
    "kdd_census": {
        "by": ("education", "race", "sex", "age"),
        "bands": {"age": (25, 35, 45, 55, 65)},
    },
    "law": {"by": ("race", "sex")},
}
RECIPES = {name: GroupSettings.model_validate(plain) for name, plain in _PLAIN.items()}
