"""The law of ratings that a calibration kept, as the fields of ``[evaluators.human.law]``."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logit

from expsim_panel.calibration import Calibration
from expsim_panel.rating_laws import ADJUDICATED, TO_MEDIAN
from expsim_panel.ratings import Floats

MOST_KINDS = 24
LEAST, LARGEST = 1e-4, 0.995


def fitted_law_tree(calibration: Calibration, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the law for a scenario of the variants `names`, the control first.

    Its kinds of raters are the raters that were seen, of more than 24 as many at even steps of their severity,
    moved apart until their severities spread as the law has it: what is known of single raters is shrunken.
    """
    fit, structure, shape = calibration.probit, calibration.structure, calibration.shape
    law = calibration.realism.law
    place = [[variant.name for variant in calibration.variants].index(name) for name in names]
    tree: dict[str, Any] = {
        "name": law,
        "source": f"{calibration.source}, {calibration.rows:,} ratings, SHA-256 {calibration.sha256[:12]}",
        "values": list(calibration.levels if calibration.classes is None else calibration.classes[0]),
    }
    if calibration.within_sd:
        tree["residual_sd"] = calibration.within_sd
    if shape is not None:
        severity = _spread(shape.severities[_kinds(shape.severities)], shape.severity_sd)
        cuts = _apart(shape.thresholds - severity[:, None])
        tree |= {"cuts": cuts.tolist(), "lapse": shape.lapse, "places": shape.places.tolist()}
        if len(shape.noises) > 1:
            tree["noises"] = shape.noises.tolist()
        return tree | {"weights": shape.of_variants[place].tolist()}
    unit = float(np.hypot(fit.item_sd, fit.noise_sd))
    kinds = _kinds(fit.severities)
    severity = _spread(fit.severities[kinds], fit.severity_sd)
    cuts = fit.stretches[kinds][:, None] * fit.thresholds - severity[:, None]
    if structure is not None:
        cuts = np.maximum.accumulate(cuts + structure.shifts[kinds], axis=1)
    cuts = _apart((cuts - fit.latent_means[place[0]]) / unit)
    spreads = fit.spreads[place]
    tree |= {"cuts": cuts.tolist(), "adjudicated": law in ADJUDICATED, "to_median": law == TO_MEDIAN}
    if np.ptp(spreads) > 0 or abs(float(spreads[0]) - 1) > 1e-9:
        tree["spreads"] = spreads.tolist()
    if structure is not None:
        own = structure.texture
        tree |= {"loadings": own.loadings[kinds].tolist(), "shifts": own.shifts.tolist()}
        tree |= {"shares": own.shares.tolist(), "style": own.style, "lapse": own.lapse}
        tree |= {"echo": own.echo, "straight": own.straight, "tastes": own.tastes.tolist()}
    else:
        rho = np.clip(fit.agreement.correlations, LEAST, LARGEST)
        common = float(np.clip(rho @ fit.agreement.shares, LEAST, LARGEST))
        tree |= {"loadings": [[common**0.5]] * len(kinds), "shifts": (logit(rho) - logit(common)).tolist()}
        tree |= {"shares": fit.agreement.shares.tolist(), "lapse": fit.agreement.lapse}
    return tree


def _spread(severity: Floats, wanted: float) -> Floats:
    """Return severities moved apart until their standard deviation is `wanted`."""
    middle, seen = float(severity.mean()), float(severity.std())
    return middle + (severity - middle) * wanted / seen if seen > 0 else severity


def _apart(cuts: Floats) -> Floats:
    """Return thresholds that rounding leaves ascending."""
    return np.asarray(cuts + 1e-6 * np.arange(cuts.shape[1]))


def _kinds(severities: np.ndarray) -> np.ndarray:
    """Return the raters that stand for all."""
    count = len(severities)
    if count <= MOST_KINDS:
        return np.arange(count)
    order = np.argsort(severities, kind="stable")
    return np.asarray(order[((np.arange(MOST_KINDS) + 0.5) / MOST_KINDS * count).astype(np.int64)])
