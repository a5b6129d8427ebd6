"""Inputs for training: encoded, standardised by the training rows, far values cut off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat_methods.fams.groups.arguments import ArgumentError
from heliostat_search.scales import scale_of

CLIP = 5.0
"""Deviations from the mean beyond which a value is cut off."""


def standardised_inputs(
    dataset: Dataset, train: NDArray[np.int64], clip: float | None = CLIP
) -> NDArray[np.float64]:
    """Return the inputs of all rows, (rows, features), by what the rows `train` say of them.

    Categories and gaps of a table are encoded by the training rows; each feature has their mean
    taken out and their deviation 1, and what is more than `clip` deviations away becomes `clip`
    (None: stays). A feature that is constant in the training rows is centred alone. Raises
    ArgumentError for no training rows and a clip that is not positive.
    """
    if len(train) == 0:
        raise ArgumentError("train", [], "at least one row")
    if clip is not None and not clip > 0:
        raise ArgumentError("clip", clip, "a positive number of deviations")
    raw = getattr(dataset, "raw", None)
    inputs = dataset.inputs if raw is None else raw.encoded(raw.fit(train))
    flat = inputs.reshape(len(inputs), -1)
    scale = scale_of(flat[train])
    scaled = (flat - scale.mean) / scale.deviation
    return scaled if clip is None else np.clip(scaled, -clip, clip, out=scaled)
