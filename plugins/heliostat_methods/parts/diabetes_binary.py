"""442 patients of whom diabetes progressed more or less than in the median, with age and sex.

The data are scikit-learn's `diabetes` (Efron et al. 2004), not scaled. Chosen to be at hand
everywhere: of the sets in scikit-learn it is the one whose rows are people with an age and a sex.
In `breast_cancer` every column is a measure of the tumour itself, so bands of it all but say the
class, and groups made of them would have one label each.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.parts.datasets import ArrayDataset


def diabetes_binary() -> ArrayDataset:
    """Return 442 patients x 10 measures in their own units; class 1 is above the median, 140.5.

    Attributes: age in years, and sex, 1 or 2 as the source has it, which does not say which.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    inputs = bunch.data.astype(np.float32)
    columns = tuple(map(str, bunch.feature_names))
    return ArrayDataset(
        name="diabetes_binary",
        task="classification",
        inputs=inputs,
        targets=(bunch.target > np.median(bunch.target)).astype(np.int64),
        classes=2,
        columns=columns,
        labels=("progression up to 140", "progression above 140"),
        attributes={
            "age": inputs[:, columns.index("age")].copy(),
            "sex": inputs[:, columns.index("sex")].astype(np.int64),
        },
    )
