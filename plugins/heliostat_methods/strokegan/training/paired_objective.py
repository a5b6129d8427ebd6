"""One generator that learns from pairs: pix2pix, zi2zi, and the pixel loss alone."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.losses.adversarial import discriminator_loss, judged_as
from heliostat_methods.strokegan.losses.pixels import pair_loss
from heliostat_methods.strokegan.losses.strokes import stroke_loss
from heliostat_methods.strokegan.losses.styles import category_loss, constancy_loss
from heliostat_methods.strokegan.training.cycle_objective import Critic
from heliostat_methods.strokegan.training.draws import Draws, Pairs
from heliostat_methods.strokegan.training.passes import frozen
from heliostat_methods.strokegan.training.schedules import rising
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.terms import Term, Terms


class PairedObjective:
    """A discriminator judges source and target together (pix2pix); fonts may be told (zi2zi)."""

    def __init__(
        self,
        settings: TrainingSettings,
        draws: Draws,
        networks: dict[str, nn.Module],
        critic: Critic | None = None,
    ) -> None:
        self._settings, self._draws = settings, draws
        self._critic = critic if settings.critic_weight else None
        self._drawer, self._judge = networks["to_target"], networks["judge_target"]
        self._styled = bool(settings.constancy_weight or settings.category_weight)
        self._made: tuple[Pairs, Tensor] | None = None

    def generator_terms(self, step: int) -> Terms:
        """Return the generator's terms; what it drew is kept for the discriminator."""
        s = self._settings
        pairs = self._draws.styled_pairs(step) if self._styled else self._draws.pairs(step)
        terms: dict[str, Term] = {}
        if self._styled:
            drawn, code = cast(Any, self._drawer).drawn(pairs.source, pairs.fonts)
            drawn = drawn.float()
            if s.constancy_weight:
                again = cast(Any, self._drawer).encode(drawn)
                constancy = constancy_loss(again.float(), code.float())
                terms["constancy"] = Term(s.constancy_weight, constancy)
        else:
            drawn = self._drawer(pairs.source).float()
        terms["pair"] = Term(s.pair_weight, pair_loss(drawn, pairs.target))
        with frozen(self._judge):
            patch, strokes, fonts = self._judged(torch.cat([pairs.source, drawn], 1))
        terms["adversarial"] = Term(1.0, judged_as(patch, True, s.adversarial))
        risen = rising(step, s.stroke_ramp * s.steps)
        if s.stroke_weight and s.stroke_to_generator:
            loss = stroke_loss(strokes, pairs.codes, s.stroke_loss)
            terms["stroke"] = Term(s.stroke_weight * risen, loss)
        if s.category_weight:
            terms["category"] = Term(s.category_weight, category_loss(fonts, pairs.fonts))
        if self._critic is not None:
            read = stroke_loss(self._critic(drawn), pairs.codes)
            terms["critic"] = Term(s.critic_weight * risen, read)
        self._made = pairs, drawn.detach()
        return terms

    def judge_terms(self, step: int) -> Terms:
        """Return the discriminator's terms on the pairs of the generator's step."""
        assert self._made is not None
        s, (pairs, drawn), self._made = self._settings, self._made, None
        real = torch.cat([pairs.source, pairs.target], 1)
        fake = torch.cat([pairs.source, drawn], 1)
        if s.merged:
            both = [part.chunk(2) for part in self._judged(torch.cat([real, fake]))]
            on_real, on_fake = ([part[at] for part in both] for at in (0, 1))
        else:
            on_real, on_fake = list(self._judged(real)), list(self._judged(fake))
        loss = discriminator_loss(on_real[0], on_fake[0], s.adversarial)
        terms = {"judge": Term(1.0, loss)}
        if s.stroke_weight:
            taught = {"real": [on_real], "fake": [on_fake]}.get(
                s.stroke_targets, [on_real, on_fake]
            )
            strokes = torch.zeros_like(loss)
            for one in taught:
                strokes = strokes + stroke_loss(one[1], pairs.codes, s.stroke_loss) / len(taught)
            terms["judge_stroke"] = Term(s.stroke_weight, strokes)
        if s.category_weight:
            told = category_loss(on_real[2], pairs.fonts) + category_loss(on_fake[2], pairs.fonts)
            terms["judge_category"] = Term(s.category_weight, 0.5 * told)
        return terms

    def _judged(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._styled:
            patch, strokes, fonts = cast(Any, self._judge).judge(x)
            return patch.float(), strokes.float(), fonts.float()
        patch, strokes = self._judge(x)
        return patch.float(), strokes.float(), strokes.new_zeros((len(x), 0))


class PairsOnlyObjective:
    """The pixel loss on the few pairs and nothing else: the control that papers leave out."""

    def __init__(
        self, settings: TrainingSettings, draws: Draws, networks: dict[str, nn.Module]
    ) -> None:
        self._weight, self._draws = settings.pair_weight, draws
        self._drawer = networks["to_target"]

    def generator_terms(self, step: int) -> Terms:
        """Return the one term."""
        pairs = self._draws.pairs(step)
        loss = pair_loss(self._drawer(pairs.source).float(), pairs.target)
        return {"pair": Term(self._weight, loss)}

    def judge_terms(self, step: int) -> Terms:
        """Return nothing: there is no discriminator."""
        return {}
