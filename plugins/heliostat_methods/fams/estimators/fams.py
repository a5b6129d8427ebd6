"""FAMS: one prior over networks that all subgroups adapt from (Shui et al. 2022, bilevel).

Every group adapts a posterior Q_a from the prior Q on few rows of its own; Q moves close to all of
them. Q alone predicts, so the group is not needed then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from heliostat_methods.fams.estimators.bilevel_training import Training
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.parameters import number
from heliostat_methods.fams.estimators.scaling import Scaling, unscaled
from heliostat_methods.fams.gaussian.any_loss import checked_loss
from heliostat_methods.fams.gaussian.batches import SubgroupBatcher
from heliostat_methods.fams.gaussian.divergence import divergence
from heliostat_methods.fams.gaussian.lower_level import one_thread
from heliostat_methods.fams.gaussian.moments import checked_weights
from heliostat_methods.fams.gaussian.network import MOST_LAYERS, GaussianMLP
from heliostat_methods.fams.gaussian.prediction import scores
from heliostat_methods.fams.gaussian.rounds import Schedule
from heliostat_methods.fams.gaussian.settings import Loss, LowerLevel, one_of, truth, whole
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError
from heliostat_methods.fams.groups.coding import subgroups

FCNET3 = (400, 100)
FCNET4 = (400, 200, 100)
"""Hidden widths of the authors' networks."""
FORMAT = 1
"""Version of `to_checkpoint`."""
_OWN = ("centre", "scale", "mean", "log_variance", "posterior_mean", "posterior_log_variance")

_KEPT = (
    "parameters", "classes", "groups", "present", "dims", "rounds", "stopped", "history", "mean",
    "log_variance",
)  # fmt: skip


class FAMS(SubgroupClassifier):
    """Fair and accurate prediction on many subgroups, by a prior that all subgroups share.

    Objective: each group minimises E_{w ~ Q_a} loss + lam D(Q_a, Q), D "w2" or "kl", by `inner`
    steps of Adagrad a round on a batch of `batch` of its rows, with `n_mc` draws of noise `eps`;
    then Q minimises the mean of D. See `LowerLevel` and `Schedule` for what the parameters of both
    levels mean. `hidden`: widths, (64, 32), or `FCNET3` and `FCNET4`, the authors'.

    `group_weights`: how much a group counts in the upper level, "uniform", "population" (by its
    rows' weights) or one number a group in the order of `groups_`. `early_stopping` holds out
    `validation_fraction` of each group's rows, keeps the best Q and stops after `patience` rounds
    without a lower cross-entropy. `standardise` scales columns and holds them to +-5.
    `callback(round, loss, divergence)` is called after each round, with one number a group drawn.
    `loss`: None for cross-entropy, or as `LowerLevel`. `device` "auto" takes a GPU if there is one.

    After `fit`: `prior_` Q; `posteriors_` of the groups with rows (`present_`), if
    `keep_posteriors`; `history_`; `rounds_` made; `stopped_`, why training ended early, or "".
    """

    trains_on_groups: ClassVar[bool] = True

    def __init__(
        self,
        *,
        divergence: str = "w2",
        lam: float = 0.4,
        upper: str = "closed",
        damping: float = 1.0,
        n_mc: int = 5,
        eps: float = 0.08,
        rounds: int = 80,
        inner: int = 10,
        batch: int = 50,
        hidden: Sequence[int] = (64, 32),
        lr_posterior: float = 0.05,
        lr_prior: float = 0.005,
        lr_prior_decay: tuple[int, float] = (60, 0.9),
        outer_steps: int = 5,
        kappa: float = 0.0,
        persist: str = "restart",
        start: str = "prior",
        groups_per_round: int | None = None,
        group_weights: str | ArrayLike = "uniform",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        normalise: bool = False,
        loss: Loss | None = None,
        standardise: bool = True,
        keep_posteriors: bool = True,
        callback: Callable[[int, NDArray[Any], NDArray[Any]], object] | None = None,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.divergence = divergence
        self.lam = lam
        self.upper = upper
        self.damping = damping
        self.n_mc = n_mc
        self.eps = eps
        self.rounds = rounds
        self.inner = inner
        self.batch = batch
        self.hidden = hidden
        self.lr_posterior = lr_posterior
        self.lr_prior = lr_prior
        self.lr_prior_decay = lr_prior_decay
        self.outer_steps = outer_steps
        self.kappa = kappa
        self.persist = persist
        self.start = start
        self.groups_per_round = groups_per_round
        self.group_weights = group_weights
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.normalise = normalise
        self.loss = loss
        self.standardise = standardise
        self.keep_posteriors = keep_posteriors
        self.callback = callback
        self.device = device
        self.seed = seed

    def _fit(self, data: TrainingData) -> None:
        lower, schedule = self._checked(bool(np.ptp(data.weights) > 0))
        used = np.flatnonzero(data.weights > 0)  # a row of weight 0 is as good as absent
        self.scaling_ = Scaling.of(data.inputs[used]) if self.standardise else None
        inputs = self._inputs(data.inputs)
        held = self._held_out(data, used) if self.early_stopping else used[:0]
        train = np.setdiff1d(used, held)
        weights = data.weights[train]
        batcher = SubgroupBatcher(
            inputs[train], data.labels[train], data.groups.codes[train], self.batch, self.seed,
            weights if np.ptp(weights) > 0 else None,
        )  # fmt: skip
        shares = self._shares(data.groups.codes[train], weights, batcher.present)
        prior = GaussianMLP.initial((inputs.shape[1], *self.hidden, 1), self.seed)
        training = Training(batcher, shares, lower, schedule, len(self.groups_), self.callback)
        judge = (inputs[held], data.labels[held], data.weights[held]) if len(held) else None
        with one_thread():
            training.run(prior, judge, self.patience)
            self.posteriors_ = training.final_posteriors() if self._keeps() else None
        self.present_ = batcher.present
        self.prior_ = training.state.prior
        self.history_ = training.history()
        self.rounds_, self.stopped_ = training.rounds, training.stopped

    def _keeps(self) -> bool:
        return self.keep_posteriors or self.persist == "persistent"

    def _checked(self, weighted: bool) -> tuple[LowerLevel, Schedule]:
        whole("batch", self.batch, 1, 1 << 24)
        _check_widths(self.hidden)
        lower = LowerLevel(
            divergence=self.divergence,  # type: ignore[arg-type]
            lam=self.lam, n_mc=self.n_mc, eps=self.eps, inner=self.inner, seed=self.seed,
            normalise=self.normalise, loss=self.loss, device=_device(self.device),
        )  # fmt: skip
        names = (
            "rounds", "lr_posterior", "upper", "damping", "lr_prior", "lr_prior_decay",
            "outer_steps", "kappa", "persist", "start", "groups_per_round", "seed",
        )  # fmt: skip
        schedule = Schedule(**{name: getattr(self, name) for name in names})
        if self.loss is not None:
            checked_loss(self.loss, weighted)
        for name in ("standardise", "keep_posteriors", "early_stopping"):
            truth(name, getattr(self, name))
        if self.callback is not None and not callable(self.callback):
            expected = "None or a function of round, losses and divergences"
            raise ArgumentError("callback", self.callback, expected)
        whole("patience", self.patience, 1, 1 << 32)
        number("validation_fraction", self.validation_fraction, 0, 1)
        if self.early_stopping:
            self._check_stopping()
        return lower, schedule

    def _check_stopping(self) -> None:
        if not 0 < self.validation_fraction < 1:
            raise ArgumentError(
                "validation_fraction", self.validation_fraction, "a number between 0 and 1"
            )
        if self.upper == "none":
            raise ArgumentError(
                "early_stopping", True, "False where upper='none'", "the prior is not trained then"
            )

    def _inputs(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return unscaled(inputs) if self.scaling_ is None else self.scaling_(inputs)

    def _held_out(self, data: TrainingData, used: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows to stop by: a part of each group that leaves it a row, at least one."""
        stream = np.random.Generator(np.random.Philox(key=[self.seed, 2]))
        order = stream.permutation(used)
        found = []
        for rows in _by_group(data.groups.codes, order):
            count = min(len(rows) - 1, round(self.validation_fraction * len(rows)))
            found.append(rows[:count])
        held = np.sort(np.concatenate(found))
        if len(held) == 0:
            raise ArgumentError(
                "validation_fraction", self.validation_fraction,
                "a part that holds out a row of some group",
            )  # fmt: skip
        return held

    def _shares(
        self, codes: NDArray[np.int64], weights: NDArray[np.float64], present: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the weight of every present group, (groups,)."""
        if isinstance(self.group_weights, str):
            if self.group_weights == "uniform":
                return np.ones(len(present))
            if self.group_weights == "population":
                return np.bincount(codes, weights, len(self.groups_))[present].astype(float)
            raise ArgumentError(
                "group_weights", self.group_weights, "'uniform', 'population' or an array"
            )
        given = checked_weights(self.group_weights, len(self.groups_), "group_weights")[present]
        if not given.sum() > 0:
            raise ArrayError("group_weights is 0 for all groups that have rows")
        return given

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.upper == "none":
            raise ArgumentError(
                "upper", "none", "another: without it the prior is not trained",
                "use subgroup_predict_proba",
            )  # fmt: skip
        return self._network_scores(self.prior_, self._inputs(inputs))

    def _network_scores(
        self, network: GaussianMLP, inputs: NDArray[np.float64], which: int = 0
    ) -> NDArray[np.float64]:
        return scores(network, inputs, eps=self.eps, n_mc=self.n_mc, seed=self.seed, which=which)

    def subgroup_predict_proba(self, X: ArrayLike, sensitive_features: Any) -> NDArray[np.float64]:
        """Return probabilities (rows, classes) by the posterior of each row's own group.

        Groups are found by name in `groups_`; one that training did not see takes the prior. Raises
        ArgumentError where posteriors were not kept.
        """
        check_is_fitted(self, "classes_")
        if self.posteriors_ is None:
            raise ArgumentError("keep_posteriors", False, "True for predictions of subgroups")
        inputs = validate_data(self, X, dtype=np.float64, reset=False)
        groups = subgroups(sensitive_features, len(inputs))
        if len(self.classes_) == 1:
            return np.ones((len(inputs), 1))
        inputs = self._inputs(inputs)
        places = {self.groups_[code]: at for at, code in enumerate(self.present_)}
        second = np.empty(len(inputs))
        for rows in _by_group(groups.codes, np.arange(len(inputs))):
            at = places.get(groups.names[groups.codes[rows[0]]])
            network = self.prior_ if at is None else self.posteriors_
            second[rows] = self._network_scores(network, inputs[rows], at or 0)
        return np.stack((1 - second, second), 1)

    @property
    def divergence_bound_(self) -> float:
        """Mean over groups of sqrt(2 KL(Q_a || Q)): a diagnostic, it certifies nothing.

        By Pinsker's inequality the sufficiency gap of the mean predictor is at most this plus twice
        the posteriors' mean distance from their groups' Bayes predictors, which nobody knows; from
        1 on it says nothing at all, which is the normal case for networks.
        """
        check_is_fitted(self, "classes_")
        if self.posteriors_ is None:
            raise ArgumentError("keep_posteriors", False, "True for the divergence bound")
        found = divergence(self.posteriors_, self.prior_, "kl")
        return float((2 * found).sqrt().mean())

    def to_checkpoint(self) -> dict[str, Any]:
        """Return what predicts, as arrays, numbers and texts; `loss` and `callback` are left out.

        Class labels have to be numbers, texts or truth values.
        """
        check_is_fitted(self, "classes_")
        parameters = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.get_params().items()
            if name not in ("loss", "callback")
        }
        stacks = {"": self.prior_, "posterior_": self.posteriors_}
        arrays = {
            prefix + name: array.copy()
            for prefix, stack in stacks.items()
            if stack is not None
            for name, array in zip(("mean", "log_variance"), stack.arrays(), strict=True)
        }
        if self.scaling_ is not None:
            arrays |= {"centre": self.scaling_.centre, "scale": self.scaling_.scale}
        return {
            "format": FORMAT, "parameters": parameters, "classes": self.classes_.tolist(),
            "groups": list(self.groups_), "present": self.present_.tolist(),
            "dims": list(self.prior_.dims), "rounds": self.rounds_, "stopped": self.stopped_,
            "history": {name: array.copy() for name, array in self.history_.items()}, **arrays,
            **({"features": self.feature_names_in_.tolist()}
               if hasattr(self, "feature_names_in_") else {}),
        }  # fmt: skip

    @classmethod
    def from_checkpoint(cls, checkpoint: Mapping[str, Any]) -> Self:
        """Return the estimator of a checkpoint; raises ArgumentError for another format."""
        if not isinstance(checkpoint, Mapping):
            raise ArgumentError("checkpoint", checkpoint, "what `to_checkpoint` gave")
        if checkpoint.get("format") != FORMAT:
            raise ArgumentError("checkpoint", checkpoint.get("format"), f"format {FORMAT}")
        if absent := [name for name in _KEPT if name not in checkpoint]:
            raise ArgumentError("checkpoint", sorted(checkpoint), f"one with {absent[0]!r}")
        made = cls(**checkpoint["parameters"])
        arrays = {name: np.array(checkpoint[name]) for name in _OWN if name in checkpoint}
        dims = tuple(checkpoint["dims"])
        made.scaling_ = Scaling(arrays["centre"], arrays["scale"]) if "centre" in arrays else None
        made.prior_ = GaussianMLP.from_arrays(dims, arrays["mean"], arrays["log_variance"])
        made.posteriors_ = None
        if "posterior_mean" in arrays:
            made.posteriors_ = GaussianMLP.from_arrays(
                dims, arrays["posterior_mean"], arrays["posterior_log_variance"]
            )
        made.classes_ = np.array(checkpoint["classes"])
        made.groups_ = tuple(checkpoint["groups"])
        made.present_ = np.array(checkpoint["present"], np.int64)
        made.history_ = {name: np.array(array) for name, array in checkpoint["history"].items()}
        made.rounds_, made.stopped_ = checkpoint["rounds"], checkpoint["stopped"]
        made.n_features_in_ = dims[0]
        if "features" in checkpoint:
            made.feature_names_in_ = np.array(checkpoint["features"], object)
        return made


def _by_group(codes: NDArray[np.int64], rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return some rows group by group, each group's in their order; groups without one are out."""
    ordered = rows[np.argsort(codes[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(codes[ordered])) + 1
    return np.split(ordered, edges)


def _check_widths(hidden: Any) -> None:
    if isinstance(hidden, str | Mapping) or not isinstance(hidden, Iterable):
        raise ArgumentError("hidden", hidden, "widths of the hidden layers")
    widths = tuple(hidden)
    if len(widths) >= MOST_LAYERS:
        raise ArgumentError("hidden", widths, f"fewer than {MOST_LAYERS} layers")
    for at, width in enumerate(widths):
        whole(f"hidden[{at}]", width, 1, 1 << 20)


def _device(wanted: str) -> str:
    one_of("device", wanted, ("cpu", "cuda", "auto"))
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("device", wanted, "'cpu' or 'auto' here", "torch sees no GPU")
    return wanted
