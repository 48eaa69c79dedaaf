"""From a table of real ratings to facts that a scenario can stand on, with a realism score.

`calibrate` measures; `to_scenario` turns the measurement into a scenario file's tree and labels
everything that ratings cannot tell as an assumption.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from expsim_panel.calibrated_scenario import dump_scenario, to_scenario
from expsim_panel.calibration import Calibration, Contrast, VariantFacts
from expsim_panel.components import reliability, variance_components
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.rating_agreement import distinct
from expsim_panel.rating_laws import FOCUSED, SHAPED, fitted_law, law_told
from expsim_panel.rating_models import Sheet, prompt_share
from expsim_panel.rating_order import order_told
from expsim_panel.rating_standing import standing_told
from expsim_panel.rating_tiebreak import first_two, tie_break, tie_break_told
from expsim_panel.ratings import Ratings
from expsim_panel.realism import SPLITS, Step, assessed_part, far_fewer, looks_adjudicated, no_step, realism
from expsim_panel.recoding import coded_anew
from expsim_panel.shaped_ratings import ShapedModel
from expsim_panel.structured_ratings import StructuredModel

__all__ = ["Calibration", "Contrast", "VariantFacts", "calibrate", "dump_scenario", "to_scenario"]

MOST_LEVELS = 11  # 0 to 10; more integer levels are treated as a continuous score
MOST_CHOSEN = 10  # variants that a scenario may hold
BINS = 20
ONE_RATER = (
    "All ratings are one rater's: what is severity, what is noise and what is quality cannot be told apart. Have some"
    " items rated by a second one."
)


def calibrate(
    ratings: Ratings,
    control: str | None = None,
    treatments: list[str] | tuple[str, ...] | None = None,
    *,
    splits: int = SPLITS,
    seed: int = 1,
    adjudicated: bool | None = None,
    step: Step = no_step,
) -> Calibration:
    """Measure a table of ratings.

    Parameters
    ----------
    control, treatments : str, list of str
        Variants of the scenario. By default the first variant in the file and all others; of more than
        ten, the two with the highest means, which a note then says.
    splits, seed, adjudicated, step
        Of the realism score, which takes most of the time, see `realism.realism`.

    Raises
    ------
    InputError
        A variant that is not in the table.
    """
    # Hundreds of small systems: threads of the linear algebra would mostly wait for each other.
    with threadpool_limits(1, "blas"):
        return _measured(ratings, control, treatments, splits, seed, adjudicated, step)


def _measured(
    ratings: Ratings,
    control: str | None,
    treatments: list[str] | tuple[str, ...] | None,
    splits: int,
    seed: int,
    adjudicated: bool | None,
    step: Step,
) -> Calibration:
    family, values = _family(ratings.score)
    notes: list[str] = []
    if family == "binary" and tuple(values) != (0.0, 1.0):
        notes.append(f"The score {values[1]:g} counts as yes and {values[0]:g} as no.")
    if family == "binary":
        ratings, values = (
            replace(ratings, score=(ratings.score == values[1]).astype(float)),
            np.array([0.0, 1.0]),
        )
    sheet = Sheet.of_classes(ratings) if family == "normal" else Sheet.of_levels(ratings, values)
    sheet = replace(sheet, tie_break=tie_break(sheet) if family != "normal" else None)
    both = first_two(sheet)
    asked = both.ratings
    within = variance_components(asked)
    pooled = variance_components(asked, by_variant=False)
    edges = np.linspace(ratings.score.min(), ratings.score.max(), BINS + 1) if family == "normal" else values
    variants = tuple(_facts(ratings, code, edges, family) for code in range(len(ratings.variants)))
    control, chosen = _choose(ratings, variants, control, treatments, notes)
    assessed = realism(sheet, splits, seed, adjudicated, continuous=family == "normal", step=step)
    model = fitted_law(sheet, assessed_part(sheet, seed), assessed.law, seed, within)
    notes += law_told(assessed.law, assessed.scores)
    notes += standing_told(both) + tie_break_told(sheet) + order_told(both, family == "ordinal")
    if len(ratings.raters) == 1:
        notes.append(ONE_RATER)
    if looks_adjudicated(assessed.wide, assessed.items) and assessed.law not in (SHAPED, FOCUSED):
        notes.append(
            f"Only {assessed.wide['observed']:.1%} of items have raters more than two levels apart, where"
            f" {assessed.wide['expected']:.1%} are expected: the ratings look adjudicated, so raw rater noise"
            " is larger than measured here."
        )
    if assessed.real is not None and assessed.model is not None:
        alike, expected = float(assessed.real.range[0]), float(assessed.model.range[0])
        if far_fewer(alike, expected, assessed.items):
            notes.append(
                f"{alike:.1%} of items have all their raters at one level, where {expected:.1%} are expected: items on"
                " which raters agree look left out, and with them raters agree more than is measured here."
            )
    picked = np.isin(ratings.variant, [ratings.variants.index(name) for name in (control, *chosen)])
    return Calibration(
        source=ratings.source,
        sha256=ratings.sha256,
        rows=ratings.rows,
        items=ratings.items,
        prompts=len(ratings.prompts),
        raters=len(ratings.raters),
        family=family,
        levels=tuple(map(float, edges)),
        control=control,
        treatments=chosen,
        variants=variants,
        contrasts=tuple(_contrast(ratings, control, name) for name in chosen),
        components=within,
        chosen=within if picked.all() else variance_components(first_two(_only(sheet, picked)).ratings),
        reliability=reliability(asked, pooled),
        probit=model.fit,
        structure=model.structure if isinstance(model, StructuredModel) else None,
        shape=model.shape if isinstance(model, ShapedModel) else None,
        classes=(tuple(map(float, sheet.values)), tuple(map(float, sheet.edges))) if family == "normal" else None,
        within_sd=float(np.sqrt(((ratings.score - sheet.values[sheet.level]) ** 2).mean()))
        if family == "normal"
        else 0.0,
        prompt_share=prompt_share(within),
        realism=assessed,
        notes=tuple(notes),
    )


def _family(score: np.ndarray) -> tuple[str, np.ndarray]:
    """Detect the family of a metric and its levels (empty for a continuous score)."""
    values, _ = distinct(score)
    if len(values) == 2:
        return "binary", values
    if np.all(values == np.round(values)) and values[-1] - values[0] < MOST_LEVELS:
        return "ordinal", np.arange(values[0], values[-1] + 1)
    return "normal", values[:0]


def _only(sheet: Sheet, keep: np.ndarray) -> Sheet:
    """Return some rows with variants and raters coded anew."""
    part = sheet.half(keep)
    own = part.ratings
    kinds, variant = coded_anew(own.variant)
    people, rater = coded_anew(own.rater)
    names = tuple(own.variants[code] for code in kinds)
    raters = tuple(own.raters[code] for code in people)
    return replace(part, ratings=replace(own, variant=variant, variants=names, rater=rater, raters=raters))


def _facts(ratings: Ratings, code: int, edges: np.ndarray, family: str) -> VariantFacts:
    rows = np.flatnonzero(ratings.variant == code)
    score = ratings.score[rows]
    _, item = coded_anew(ratings.item[rows])
    size = np.bincount(item)
    mean, count = float(score.mean()), len(size)
    off = np.bincount(item, score - mean)
    # prompts are independent of one another; several items of one (epochs) are not
    _, prompt = coded_anew(ratings.prompt[rows])
    by_prompt = np.bincount(prompt, score - mean)
    alone = len(by_prompt)
    se = float(np.sqrt((by_prompt**2).sum() * alone / (alone - 1))) / len(rows) if alone > 1 else None
    sheet = Sheet(ratings, np.zeros(ratings.rows, dtype=np.int64), edges, edges)
    own = variance_components(_only(sheet, ratings.variant == code).ratings) if count > 1 else None
    bins = edges if family == "normal" else np.append(edges - 0.5, edges[-1] + 0.5)
    return VariantFacts(
        name=ratings.variants[code],
        items=count,
        ratings=len(rows),
        mean=mean,
        se=se,
        item_mean_sd=float(np.std(off / size + mean, ddof=1)) if count > 1 else None,
        sd=float(np.sqrt(own.item)) if own is not None and own.item is not None else None,
        histogram=tuple(int(n) for n in np.histogram(score, bins)[0]),
    )


def _choose(
    ratings: Ratings,
    variants: tuple[VariantFacts, ...],
    control: str | None,
    treatments: list[str] | tuple[str, ...] | None,
    notes: list[str],
) -> tuple[str, tuple[str, ...]]:
    """Return control and treatments, by name or by default."""
    names = list(ratings.variants)
    for flag, given in (
        ("--control", [control] if control is not None else []),
        ("--treatment", treatments or []),
    ):
        for name in given:
            if name not in names:
                raise InputError(ratings.source, flag, f"there is no variant {shown(name)}", did_you_mean(name, names))
    wanted = list(dict.fromkeys(treatments or []))
    if control is not None and control in wanted:
        raise InputError(ratings.source, "--treatment", f"{shown(control)} is the control", "name another variant")
    if len(wanted) >= MOST_CHOSEN:
        raise InputError(ratings.source, "--treatment", f"{len(wanted)} treatments", f"give at most {MOST_CHOSEN - 1}")
    ranked = [facts.name for facts in sorted(variants, key=lambda facts: (facts.mean, facts.name))]
    if control is None:
        left = [name for name in names if name not in wanted]
        many = len(names) > MOST_CHOSEN and not wanted
        control = ranked[-2] if many else (left or names)[0]
    if not wanted:
        wanted = [name for name in names if name != control]
        if len(names) > MOST_CHOSEN:
            wanted = [next(name for name in reversed(ranked) if name != control)]
            notes.append(
                f"Of {len(names)} variants the scenario compares {wanted[0]} with {control}: chosen for their"
                " means, which are therefore flattering; name others with --control and --treatment."
            )
    return control, tuple(wanted)


def _contrast(ratings: Ratings, control: str, treatment: str) -> Contrast:
    """Compare item means prompt by prompt."""
    prompts = len(ratings.prompts)
    mean = np.full((2, prompts), np.nan)
    for row, name in enumerate((control, treatment)):
        mine = ratings.variant == ratings.variants.index(name)
        size = np.bincount(ratings.prompt[mine], minlength=prompts)
        total = np.bincount(ratings.prompt[mine], ratings.score[mine], minlength=prompts)
        mean[row, size > 0] = total[size > 0] / size[size > 0]
    both = mean[:, np.isfinite(mean).all(axis=0)]
    count = both.shape[1]
    if count < 3:
        return Contrast(treatment, count, None, None, None)
    gap = both[1] - both[0]
    varied = both.std(axis=1).min() > 0
    correlation = float(np.corrcoef(both)[0, 1]) if varied else None
    return Contrast(treatment, count, float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(count)), correlation)
