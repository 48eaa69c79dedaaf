"""Which law of ratings is kept: candidates from the plainest to the richest, and the choice by unseen halves.

A law is kept only if it brings simulated ratings closer to real ones that its fit has not seen, by more than
`MARGIN` of the realism score over every plainer law. The rich laws are tried on a few splits first and the best
goes on only if it leads there; the richest is tried only where all others miss what pairs of raters do.
"""

from __future__ import annotations

from expsim_panel.components import Components, variance_components
from expsim_panel.focused_ratings import fitted_focused
from expsim_panel.rater_factors import FEWEST, MOST
from expsim_panel.rating_models import IndependentRaters, ProbitModel, RoundedNormal, Sheet
from expsim_panel.rating_tiebreak import first_two
from expsim_panel.shaped_ratings import ShapedModel
from expsim_panel.structured_ratings import StructuredModel

Fitted = ProbitModel | ShapedModel | StructuredModel
Player = Fitted | RoundedNormal | IndependentRaters

PLAIN, STRETCHED, MIXED = "ordered-probit", "ordered-probit-stretched", "ordered-probit-mixed"
SHAPED = "ordered-probit-shaped"
FOCUSED = "ordered-probit-focused"
TEXTURED, STRUCTURED = "ordered-probit-textured", "ordered-probit-structured"
TASTED = "ordered-probit-tasted"
REVISED = "ordered-probit-stretched-adjudicated"
TO_MEDIAN = "ordered-probit-stretched-adjudicated-median"
ADJUDICATED = (REVISED, TO_MEDIAN)
"""Where ratings were adjudicated: raters more than two levels apart revise, or those far from the median do."""
LAWS = (PLAIN, STRETCHED, MIXED, SHAPED, FOCUSED, TEXTURED, STRUCTURED, TASTED)
"""Candidates, the plainest first."""
RICH = (SHAPED, TEXTURED, STRUCTURED)
MARGIN = 0.02  # on ratings drawn from the plain law a richer one leads by up to 0.016, by luck
FEW_PLAYS = 3
PILOT = 4  # splits after which a rich law that does not lead is left
WANTING = 0.92  # of the best law on those splits: below, tastes are tried as well
FAIR = 0.97  # and below this one the focused law, which takes a tenth of a second
MOST_WITH_TASTES = 60  # raters, each of whom has chances of their own for every kind of item

ADDED = {
    STRETCHED: "raters who use the scale more or less widely, variants that spread more or less",
    MIXED: "items on which raters agree more or less, ratings that slip",
    SHAPED: "items whose quality has any distribution, of each variant its own: such as hit or miss",
    FOCUSED: "items whose quality, and how well raters agree on it, have any distribution together",
    TEXTURED: "thresholds of each rater, items that draw extreme answers or one answer from all, ratings that echo",
    STRUCTURED: "thresholds of each rater, raters who look at different sides of an item, items that draw extreme"
    " answers or one answer from all, ratings that echo",
    TASTED: "thresholds of each rater, raters who look at different sides of an item, items that draw some levels and"
    " keep others away",
}
"""What each law has beside severity, in words."""


def rich_laws(raters: int) -> tuple[str, ...]:
    """Return the rich laws that so many raters can tell apart."""
    return tuple(name for name in RICH if name != STRUCTURED or FEWEST <= raters <= MOST)


def fitted_laws(seen: Sheet, seed: int, rich: tuple[str, ...] = ()) -> dict[str, Fitted]:
    """Fit the candidates to one sheet, the rich ones in `rich` with fewer plays: all that a choice needs."""
    seen = first_two(seen)
    parts = variance_components(seen.ratings)
    mixed = ProbitModel.fitted(seen, parts, stretch=True, mixed=True)
    stretched = mixed.without_classes()
    plain = ProbitModel.fitted(seen, parts)
    found: dict[str, Fitted] = {
        PLAIN: plain,
        STRETCHED: stretched,
        MIXED: mixed,
    }
    for name in rich:
        if name == SHAPED:
            found[name] = ShapedModel.fitted(seen, plain)
        elif name == FOCUSED:
            found[name] = fitted_focused(seen, plain)
        else:
            found[name] = StructuredModel.fitted(seen, stretched, seed, name != TEXTURED, FEW_PLAYS, name == TASTED)
    return found


def fitted_models(
    seen: Sheet, adjudicated: bool, continuous: bool, seed: int, rich: tuple[str, ...] = ()
) -> dict[str, Player]:
    """Fit candidates and shortcuts to one sheet; of the rich laws those in `rich`."""
    seen = first_two(seen)
    parts = variance_components(seen.ratings)
    plain = ProbitModel.fitted(seen, parts)
    mixed = ProbitModel.fitted(seen, parts, stretch=True, mixed=True)
    stretched = mixed.without_classes()
    models: dict[str, Player] = {PLAIN: plain, STRETCHED: stretched, MIXED: mixed}
    models["normal" if continuous else "rounded-normal"] = RoundedNormal.fitted(seen, parts)
    if adjudicated:
        models["ordered-probit-adjudicated"] = plain.with_adjudication(seen, seed)
        models[REVISED] = stretched.with_adjudication(seen, seed)
    models["independent-raters"] = IndependentRaters.fitted(seen, by_variant=False)
    models["independent-raters-by-variant"] = IndependentRaters.fitted(seen)
    for name in rich:
        if name == TO_MEDIAN:
            models[name] = stretched.with_adjudication(seen, seed, to_median=True)
        elif name == SHAPED:
            models[name] = ShapedModel.fitted(seen, plain)
        elif name == FOCUSED:
            models[name] = fitted_focused(seen, plain)
        else:
            models[name] = StructuredModel.fitted(seen, stretched, seed, name != TEXTURED, tastes=name == TASTED)
    return models


def fitted_law(sheet: Sheet, part: Sheet, law: str, seed: int, components: Components | None = None) -> Fitted:
    """Fit a law to a sheet; what takes simulations to fit is fitted to `part`, a sample of a large table."""
    sheet, part = first_two(sheet), first_two(part)
    if law in ADJUDICATED:
        return ProbitModel.fitted(part, stretch=True).with_adjudication(part, seed, law == TO_MEDIAN)
    if law == SHAPED:
        return ShapedModel.fitted(part, ProbitModel.fitted(part))
    if law == FOCUSED:
        return fitted_focused(part, ProbitModel.fitted(part))
    model = ProbitModel.fitted(sheet, components, stretch=law != PLAIN, mixed=law == MIXED)
    if law not in (*RICH, TASTED):
        return model
    return StructuredModel.fitted(part, model, seed, law != TEXTURED, tastes=law == TASTED)


def chosen_law(scores: dict[str, float]) -> str:
    """Return the plainest law that is within `MARGIN` of the best."""
    known = [name for name in LAWS if name in scores]
    best = max(scores[name] for name in known)
    return next(name for name in known if scores[name] >= best - MARGIN)


def chosen_rule(scores: dict[str, float]) -> str:
    """Return the rule of adjudication: SummEval's, unless another that was tried does better by more than `MARGIN`."""
    return TO_MEDIAN if scores.get(TO_MEDIAN, 0.0) > scores[REVISED] + MARGIN else REVISED


def going_on(scores: dict[str, float]) -> tuple[str, ...]:
    """Return the rich law that goes on after the first splits: the better one, if it leads."""
    rich = [name for name in RICH if name in scores]
    if not rich:
        return ()
    name = max(rich, key=lambda each: scores[each])
    lead = scores[name] - max(scores[each] for each in LAWS if each in scores and each not in RICH)
    return (name,) if lead > MARGIN / 4 else ()


def others_miss(scores: dict[str, float], levels: int) -> bool:
    """Return whether the focused law is worth trying: other laws miss, and there are levels for a noise to show."""
    return max(scores[name] for name in LAWS if name in scores) < FAIR and levels > 2


def tastes_may_help(scores: dict[str, float], raters: int, levels: int) -> bool:
    """Return whether the law with tastes is worth trying: other laws miss, and there are levels to draw.

    Pairs of raters of two levels show nothing that agreement does not.
    """
    best = max(scores[name] for name in LAWS if name in scores)
    return best < WANTING and 1 < raters <= MOST_WITH_TASTES and levels > 2


def law_told(law: str, scores: dict[str, float]) -> list[str]:
    """Return what the reader should know of a law that has more than severity (that ratings were adjudicated is said
    elsewhere).
    """
    if law in (PLAIN, *ADJUDICATED) or not scores:
        return []
    return [
        f"The ratings follow a richer law ({law}, realism {scores[law]:.2f}: {ADDED[law]}) than {PLAIN} (realism"
        f" {scores[PLAIN]:.2f}). Studies draw people's ratings from it."
    ]
