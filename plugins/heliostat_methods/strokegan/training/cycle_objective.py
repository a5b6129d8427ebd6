"""CycleGAN's losses with StrokeGAN's code and StrokeGAN+'s pairs (arXiv 2012.08687, 2211.06198)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from heliostat_methods.strokegan.losses.adversarial import discriminator_loss, judged_as
from heliostat_methods.strokegan.losses.pixels import cycle_loss, identity_loss, pair_loss
from heliostat_methods.strokegan.losses.strokes import stroke_loss
from heliostat_methods.strokegan.training.draws import Draws, Glyphs
from heliostat_methods.strokegan.training.image_pool import ImagePool
from heliostat_methods.strokegan.training.passes import frozen, generated, judged
from heliostat_methods.strokegan.training.schedules import rising
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.terms import Term, Terms

Critic = Callable[[Tensor], Tensor]


class CycleObjective:
    """G: source to target, F: back, and a discriminator of each font.

    A weight of 0 leaves its term out, with all the passes that only it needs.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        draws: Draws,
        networks: dict[str, nn.Module],
        pools: dict[str, ImagePool],
        critic: Critic | None = None,
    ) -> None:
        self._settings, self._draws, self._pools = settings, draws, pools
        self._critic = critic if settings.critic_weight else None
        self._to_target, self._to_source = networks["to_target"], networks["to_source"]
        self._judge_target = networks["judge_target"]
        self._judge_source = networks["judge_source"]
        self._made: tuple[Glyphs, Glyphs, Glyphs, Glyphs] | None = None

    def generator_terms(self, step: int) -> Terms:
        """Return the generators' terms; what they drew is kept for the discriminators."""
        if step < self._settings.warm_start:
            return self._warm_terms(step)
        s, merged = self._settings, self._settings.merged
        a, b = self._draws.source(step), self._draws.target(step)
        there, back = [a.pictures], [b.pictures]
        pairs = self._draws.few_pairs(step) if s.pair_weight else None
        if pairs is not None:
            there.append(pairs.source)
            back.append(pairs.target)
        if s.identity_weight:
            there.append(b.pictures)
            back.append(a.pictures)
        drawn_there = generated(self._to_target, there, merged)
        # what G drew goes back in the same pass as what F draws from
        *drawn_back, again_a = generated(self._to_source, [*back, drawn_there[0]], merged)
        (again_b,) = generated(self._to_target, [drawn_back[0]], merged)
        fake_b, fake_a = drawn_there[0], drawn_back[0]

        cycle = cycle_loss(again_a, a.pictures) + cycle_loss(again_b, b.pictures)
        terms = {"cycle": Term(s.cycle_weight, cycle)}
        if s.identity_weight:
            same = identity_loss(drawn_there[-1], b.pictures)
            same = same + identity_loss(drawn_back[-1], a.pictures)
            terms["identity"] = Term(s.cycle_weight * s.identity_weight, same)
        if pairs is not None:
            pair = pair_loss(drawn_there[1], pairs.target) + pair_loss(drawn_back[1], pairs.source)
            terms["pair"] = Term(s.pair_weight, pair)
        with frozen(self._judge_target, self._judge_source):
            map_b, strokes_b = judged(self._judge_target, [fake_b], merged)[0]
            map_a, strokes_a = judged(self._judge_source, [fake_a], merged)[0]
        deceiving = judged_as(map_b, True, s.adversarial) + judged_as(map_a, True, s.adversarial)
        terms["adversarial"] = Term(1.0, deceiving)
        if s.stroke_weight and s.stroke_to_generator:
            # the code is that of the character that came in
            strokes = stroke_loss(strokes_b, a.codes, s.stroke_loss)
            strokes = strokes + stroke_loss(strokes_a, b.codes, s.stroke_loss)
            terms["stroke"] = Term(s.stroke_weight * self._risen(step), strokes)
        if self._critic is not None:
            terms["critic"] = Term(
                s.critic_weight * self._risen(step), stroke_loss(self._critic(fake_b), a.codes)
            )
        self._made = (a, b, Glyphs(fake_b.detach(), a.codes), Glyphs(fake_a.detach(), b.codes))
        return terms

    def judge_terms(self, step: int) -> Terms:
        """Return the discriminators' terms on the glyphs of the generators' step."""
        if self._made is None:
            return {}
        a, b, fake_b, fake_a = self._made
        self._made = None
        on_target = self._judged(self._judge_target, "judge_target", b, fake_b, step)
        on_source = self._judged(self._judge_source, "judge_source", a, fake_a, step)
        terms = {"judge": Term(1.0, on_target[0] + on_source[0])}
        if self._settings.stroke_weight:
            strokes = on_target[1] + on_source[1]
            terms["judge_stroke"] = Term(self._settings.stroke_weight, strokes)
        return terms

    def _judged(
        self, judge: nn.Module, name: str, real: Glyphs, fake: Glyphs, step: int
    ) -> tuple[Tensor, Tensor]:
        s = self._settings
        shown, codes = self._pools[name].shown(fake.pictures, fake.codes, step)
        on_real, on_fake = judged(judge, [real.pictures, shown], s.merged)
        loss = discriminator_loss(on_real[0], on_fake[0], s.adversarial)
        strokes = torch.zeros_like(loss)
        if s.stroke_weight:
            # released: a generated picture is labelled with the code of an unrelated real one
            wrong = s.stroke_targets == "released"
            of_fake = (on_fake[1], real.codes if wrong else codes)
            taught = {
                "real": [(on_real[1], real.codes)],
                "fake": [of_fake],
                "both": [(on_real[1], real.codes), of_fake],
                "released": [(on_real[1], real.codes), of_fake],
            }[s.stroke_targets]
            for logits, labels in taught:
                strokes = strokes + stroke_loss(logits, labels, s.stroke_loss) / len(taught)
        return loss, strokes

    def _warm_terms(self, step: int) -> Terms:
        self._made = None
        pairs = self._draws.pairs(step)
        (there,) = generated(self._to_target, [pairs.source], True)
        (back,) = generated(self._to_source, [pairs.target], True)
        both = pair_loss(there, pairs.target) + pair_loss(back, pairs.source)
        return {"pair": Term(self._settings.pair_weight, both)}

    def _risen(self, step: int) -> float:
        s = self._settings
        left = s.steps - s.warm_start
        return rising(step - s.warm_start, s.stroke_ramp * left)
