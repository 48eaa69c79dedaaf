"""Turning a calibration into a scenario file's tree.

What ratings tell is taken from them; what they cannot tell (traffic, tokens, money, the judge) gets a
default that is listed, in plain sentences, in ``[calibration].assumptions``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import tomli_w
from scipy.optimize import brentq
from scipy.special import ndtr

from expsim_panel.calibrated_judge import fitted_judge
from expsim_panel.calibrated_law import fitted_law_tree
from expsim_panel.calibration import Calibration, plain
from expsim_panel.errors import InputError, shown
from expsim_panel.evaluator_profiles import RATES
from expsim_panel.ordered_probit import fit_marginal
from expsim_panel.rating_table import Beside
from expsim_panel.scenario_checks import LONGEST_NAME

DIGITS = 6
WIDEST_LIST = 160
JUDGE_BIAS = 0.07  # points of a 1-5 scale: a quarter of the SD below, mildly in favour of what is new
JUDGE_BIAS_SD = 0.29  # middle of 0.21-0.37
JUDGE_CORRELATION = 0.514  # G-Eval GPT-4 with the mean of SummEval's three experts
JUDGE_SPLIT = {"item_sd": 0.4, "item_variant_sd": 0.4, "repeat_sd": 0.2}
UNKNOWN_RELIABILITY = 0.5
ONE_VARIANT = "a scenario compares at least two variants, and these ratings are of one"

ASSUMPTIONS = (
    "Traffic of 400 units a day for 28 days, evenly split, one response each, is assumed.",
    "Tokens, the generating model (gpt-4o-mini) and latency (median 1.4 s, 95 % below 3.9 s) are assumed,"
    " with the lognormal tail of published first-token times (95 % point 2.8 times the median).",
    "Money is assumed: $0.05 per response and point of a 1-5 scale (or rate of 100 %), $0.001 per second of"
    " waiting, a rollout of 500,000 units, $2,000 to launch.",
    "The team's earlier effects are assumed to spread around zero with three times the indifference.",
    "Raters' pay is assumed: $0.30 per label and 36.8 s (AlpacaEval crowd); experts cost $1 to $5.",
)
JUDGE_ASSUMPTION = (
    "The judge is assumed, not fitted: it scores 15 % of the responses, with {bias:.2g} points in favour of"
    " every treatment, a quarter of what such biases spread, SD {bias_sd:.2g} (0.21 to 0.37 points between"
    " systems on a 1-5 scale in HANNA with Beluga-13B, Chhun et al. 2024), a correlation of 0.51 with the"
    " raters' mean (G-Eval with GPT-4 on SummEval, Liu et al. 2023), its errors split 40:40:20 between item,"
    " item and variant, and repeat, and 2 s per call (AlpacaEval: 0.15 to 5 s)."
)
BINARY_JUDGE = (
    "The judge is assumed, not fitted: sensitivity 0.75, specificity 0.93 and one point in a hundred in"
    " favour of every treatment, within the range of published hallucination judges."
)


def to_scenario(
    calibration: Calibration,
    control: str | None = None,
    treatments: list[str] | tuple[str, ...] | None = None,
    *,
    name: str | None = None,
    direction: str = "increase",
    indifference: float | None = None,
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Build the tree of a scenario file.

    Parameters
    ----------
    control, treatments
        Names of variants; by default those of the calibration. Spread and noise are those of the
        calibration's control and treatments in any case.
    name : str, optional
        Slug; by default made from the source file's name.
    direction : str
        ``increase`` or ``decrease``: what better means.
    indifference : float, optional
        In points; by default 1/80 of the scale (0.05 on 1 to 5), a hundredth for a rate.
    beside : Beside, optional
        What stood beside the ratings: the first judge whose law could be fitted, and what ratings cost.

    Returns
    -------
    dict
        Tables of numbers, texts and lists only: neither None nor nan.
    """
    if direction not in ("increase", "decrease"):
        raise InputError(calibration.source, "--direction", f"unknown {shown(direction)}", "give increase or decrease")
    control = control or calibration.control
    treatments = tuple(treatments or calibration.treatments)
    if not treatments:
        problem = f"there is one variant, {shown(control)}"
        raise InputError(
            calibration.source, "--variant", problem, "give at least two, those of other files with --also FILE"
        )
    slug = name or re.sub(r"[^a-z0-9]+", "-", calibration.source.rsplit(".", 1)[0].lower()).strip("-")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", slug or "calibrated"):
        raise InputError(calibration.source, "--name", f"{shown(slug)} is not a slug", "use letters and hyphens")
    low, high = (calibration.levels[0], calibration.levels[-1])
    family = calibration.family
    sd, severity, noise, assumptions = _spreads(calibration)
    point = (high - low) / 4 if family == "ordinal" else sd / 0.76
    indifference = indifference or (0.01 if family == "binary" else float(f"{point / 20:.2g}"))
    metric: dict[str, Any] = {
        "name": "rating",
        "definition": f"Rating of one response by one rater, from {calibration.source}.",
        "family": family,
        "direction": direction,
    }
    if family != "binary":
        metric["sd"] = sd
    if family != "normal":
        metric["range"] = [low, high]
    names = (control, *treatments)
    latent: list[float] = []
    if family == "ordinal":
        metric["thresholds"], latent = latent_scale(calibration, names)
    short = _short(names)
    variants = [
        _variant(calibration, which, latent[i] if latent else None) | {"name": short[i]}
        for i, which in enumerate(names)
    ]
    judge, told = _judge(calibration, sd, point, -1.0 if direction == "decrease" else 1.0)
    raters = int(np.clip(calibration.raters, 2, 50))
    human: dict[str, Any] = {"profile": f"Fitted to {calibration.source}; pay assumed.", "coverage": 0.1}
    human |= {"raters": raters, "labels_per_item": 1, "shared_raters": True}
    if family != "binary":
        human |= {"severity_sd": severity, "noise_sd": noise}
    human |= {"price_per_label": 0.3, "seconds": 36.8}
    cut = [
        f"The variant {one} is {whole} in the ratings." for one, whole in zip(short, names, strict=True) if one != whole
    ]
    listed = list(ASSUMPTIONS)
    if beside is not None:
        fitted = fitted_judge(calibration, beside, names)
        if fitted is not None:
            # what the fit does not say (coverage, tokens, seconds) stays as it was assumed
            judge = {key: value for key, value in judge.items() if key != "differential_bias"} | fitted.fields
            told = fitted.told
            if fitted.quality_sd is not None and not np.isclose(fitted.quality_sd, sd, rtol=1e-3):
                metric["sd"], human["noise_sd"] = fitted.quality_sd, fitted.noise_sd
                variants = [{key: value for key, value in row.items() if key != "sd"} for row in variants]
                told += " Spread of quality and raters' noise are those that explain how judge and people agree."
        told_costs = _spent(beside, judge, human)
        if "human" in told_costs:
            listed.pop()
            human["profile"] = f"Fitted to {calibration.source}."
        assumptions = [*assumptions, *told_costs.values()]
    fitted_to = {key: human[key] for key in ("severity_sd", "noise_sd") if key in human}
    human["law"] = fitted_law_tree(calibration, names) | fitted_to
    tree: dict[str, Any] = {
        "schema": 1,
        "scenario": {
            "name": slug or "calibrated",
            "title": f"{', '.join(short[1:])} against {short[0]}",
            "question": f"Should {' or '.join(short[1:])} replace {short[0]}?",
            "persona": "A team that has ratings and wants to plan the next experiment",
            "provenance": f"Calibrated from {calibration.rows:,} ratings of {calibration.items:,} items by"
            f" {calibration.raters:,} rater{'s' * (calibration.raters != 1)} in {calibration.source}. Everything in"
            " [calibration].assumptions is assumed.",
            "indifference": indifference,
        },
        "metric": metric,
        "variants": variants,
        "traffic": {"units_per_day": 400, "days": 28, "exposures_per_unit": 1.0},
        "evaluator": {"kind": "judge"},
        "evaluators": {"judge": judge, "human": human},
        "economics": {
            "value_per_point": 0.05 if family == "binary" else float(f"{0.05 / point:.2g}"),
            "usd_per_second": 0.001,
            "horizon_units": 500_000,
            "launch_cost": 2000.0,
        },
        "prior": {"effect_mean": 0.0, "effect_sd": 3 * indifference},
        "calibration": {"assumptions": [*listed, told, *assumptions]} | _record(calibration),
    }
    if cut:
        tree["calibration"]["notes"] = [*tree["calibration"]["notes"], *cut]
    return dict(_tidy(tree))


def document_of(found: Calibration, beside: Beside, tree: dict[str, Any] | None) -> dict[str, Any]:
    """Return the calibration's JSON document (docs/contract.md); `tree` None where there is no scenario."""
    made: dict[str, Any] = {"calibration": found.to_json() | plain(asdict(beside)), "scenario": tree}
    return made if tree is not None else made | {"scenario_reason": ONE_VARIANT}


def latent_scale(calibration: Calibration, names: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Return thresholds and latent means that reproduce the histograms of `names`, first at 0.

    ``P(score <= level j) = Phi(thresholds[j] - latent_mean)`` with unit latent variance; the latent means
    are then moved so that every implied mean score equals the observed one.
    """
    counts = np.array([calibration.facts(name).histogram for name in names], dtype=float)
    zeros = np.zeros(len(names), dtype=np.int64)
    step = fit_marginal(counts, np.arange(len(names)), zeros, len(names), 1, random=False)
    steps, top = np.diff(calibration.levels), calibration.levels[-1]
    # all ratings at an end of the scale would put the latent mean at infinity
    least, most = calibration.levels[0] + 1e-6, top - 1e-6

    def gap(mean: float, name: str) -> float:
        implied = top - ndtr(step.thresholds - mean) @ steps
        return float(implied - min(max(calibration.facts(name).mean, least), most))

    means = np.array([brentq(gap, -12.0, 12.0, args=(name,), xtol=1e-12) for name in names])
    return list(step.thresholds - means[0]), list(means - means[0])


def _spreads(calibration: Calibration) -> tuple[float, float, float, list[str]]:
    """Return SDs of quality, severity and noise in points, and what had to be assumed for them."""
    parts, told = calibration.chosen, []
    item, noise = parts.item, parts.noise
    if item is None or noise is None:
        item, noise = UNKNOWN_RELIABILITY * parts.total, (1 - UNKNOWN_RELIABILITY) * parts.total
        told.append("No item has two ratings: half of the variance is assumed to be rater noise.")
    if parts.severity is None:
        told.append("Rater severity could not be estimated and is taken as part of the noise.")
    elif calibration.raters < 10:
        told.append(f"The spread of severity rests on {calibration.raters} raters only.")
    smallest = 1e-3 * max(parts.total, 1e-12) ** 0.5
    return max(item**0.5, smallest), (parts.severity or 0.0) ** 0.5, noise**0.5, told


def _short(names: Sequence[str]) -> list[str]:
    """Return names that a scenario takes: long ones, such as prompts that nobody named, are cut and numbered."""
    made: list[str] = []
    for number, name in enumerate(names, 1):
        end = f"... ({number})"
        made.append(name if len(name) <= LONGEST_NAME else " ".join(name.split())[: LONGEST_NAME - len(end)] + end)
    return made


def _variant(calibration: Calibration, name: str, latent: float | None) -> dict[str, Any]:
    facts = calibration.facts(name)
    row: dict[str, Any] = {"name": name, "mean": facts.mean}
    if facts.sd and calibration.family != "binary":
        row["sd"] = facts.sd
    if latent is not None:
        row["latent_mean"] = latent
    row |= {"model": "gpt-4o-mini", "provider": "openai", "input_tokens": 900, "output_tokens": 80}
    return row | {"latency_ms": {"median": 1400.0, "p95": 3900.0}}


def _judge(calibration: Calibration, sd: float, point: float, sign: float) -> tuple[dict[str, Any], str]:
    """Return a judge with published properties on this scale, and the sentence that says so."""
    cost = {"repeats": 1, "model": "gpt-4o-mini", "provider": "openai", "input_tokens": 1500}
    cost |= {"output_tokens": 150, "seconds": 2.0}
    judge: dict[str, Any] = {"profile": "Assumed from published judges; see [calibration].assumptions."}
    judge["coverage"] = 0.15
    if calibration.family == "binary":
        judge |= {
            "sensitivity": 0.75,
            "specificity": 0.93,
            **RATES,
        }
        return judge | cost, BINARY_JUDGE
    mean = calibration.reliability.icc1k or UNKNOWN_RELIABILITY
    true = min(JUDGE_CORRELATION / max(mean, 0.3) ** 0.5, 0.95)  # correlation with true quality
    error = sd**2 * (1 / true**2 - 1)
    judge |= {"offset": 0.0, "scale": 1.0, "differential_bias": float(f"{sign * JUDGE_BIAS * point:.2g}")}
    judge["suspected_bias_sd"] = float(f"{JUDGE_BIAS_SD * point:.2g}")
    judge |= {key: float(f"{(share * error) ** 0.5:.2g}") for key, share in JUDGE_SPLIT.items()}
    told = JUDGE_ASSUMPTION.format(bias=abs(judge["differential_bias"]), bias_sd=judge["suspected_bias_sd"])
    return judge | cost, told


def _spent(beside: Beside, judge: dict[str, Any], human: dict[str, Any]) -> dict[str, str]:
    """Put what one rating cost into the tables; return a sentence for each kind of rater that has a price."""
    told = {}
    for kind, table, price in (("judge", judge, "price_override"), ("human", human, "price_per_label")):
        if kind in beside.seconds:
            table["seconds"] = beside.seconds[kind].mean
        if kind in beside.cost:
            spent = beside.cost[kind]
            table[price] = spent.mean
            told[kind] = f"Measured: a {kind}'s rating cost ${spent.mean:.3g} on average ({spent.count:,} ratings)."
    return told


def _record(calibration: Calibration) -> dict[str, Any]:
    """Return the facts that a scenario file keeps."""
    tree = calibration.to_json()
    fit = tree.pop("probit")
    kept = ("source", "sha256", "rows", "items", "prompts", "raters", "family", "levels", "control")
    record = {key: tree[key] for key in (*kept, "treatments", "notes", "reliability", "prompt_share")}
    record |= {"components": tree["components"], "chosen": tree["chosen"], "contrasts": tree["contrasts"]}
    record["variants"] = tree["variants"]
    if fit is not None:
        record["ordered_probit"] = fit | {"variants": [row["name"] for row in tree["variants"]]}
    for key in ("structure", "shape"):
        if tree[key] is not None:
            record[key] = tree[key]
    drawn = ("real", "model")  # pictures belong to the report, not to the scenario
    return record | {"realism": {key: value for key, value in tree["realism"].items() if key not in drawn}}


def _tidy(value: Any) -> Any:
    """Drop what is None or empty and round to six digits, more than ratings can support."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items() if item is not None and item not in ("", {})}
    if isinstance(value, (list, tuple)):
        return [_tidy(item) for item in value if item is not None]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return value.item() if isinstance(value, np.generic) else value


def dump_scenario(tree: dict[str, Any]) -> str:
    """Write a scenario's tree as TOML, short lists on one line."""

    def flat(match: re.Match[str]) -> str:
        line = "[" + " ".join(match.group(0)[1:-1].split()).rstrip(",") + "]"
        return line if len(line) <= WIDEST_LIST else match.group(0)

    return re.sub(r"(?<== )\[\n(?:    [^\n]*,\n)+\]", flat, tomli_w.dumps(tree))
