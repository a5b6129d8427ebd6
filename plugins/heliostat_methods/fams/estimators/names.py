"""Names of the estimators, which a configuration checks without loading any of them."""

NAMES = (
    "fams",
    "erm",
    "balanced_erm",
    "snn",
    "group_dro",
    "eiil",
    "fscs",
    "logistic",
    "fairlearn_demographic_parity",
    "fairlearn_equalized_odds",
    "fairlearn_thresholds",
)
"""In the order in which tables show them."""
