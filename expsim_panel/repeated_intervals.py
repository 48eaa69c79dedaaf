"""Repeated confidence intervals: valid for every comparison with the control, whatever made the experiment stop.

With several variants an experiment ends by what any of them does, so that the ends of one comparison have no
ordering of their own. An interval that holds the truth at all looks at once holds it at the last one too.
"""

from __future__ import annotations

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.design import Design, Setting
from expsim_panel.designs._frequentist import Frequentist
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.kernels.special import norm_ppf

__all__ = ["NO_ESTIMATE", "half_widths", "held_by_repeated"]

NO_ESTIMATE = "repeated confidence intervals have no estimate of their own"
_LEAST = 30


def half_widths(design: Design, setting: Setting) -> Floats | str:
    """Return by how many standard errors the interval reaches when the experiment ends on a day, shape (days,).

    The interval ``estimate +- c_k se`` of one comparison holds the true effect with probability `design.level()` or
    more: with just that probability those of all looks do. nan on days without
    a look. Or the reason why there is none.

    References
    ----------
    .. [1] C. Jennison, B. W. Turnbull (1989), "Interim analyses: the repeated confidence interval approach", JRSS B 51,
       305-361.
    """
    found = np.full(setting.days, np.nan)
    level = float(design.level())
    if isinstance(design, AtTheEnd):
        found[-1] = norm_ppf(0.5 + level / 2)
        return found
    if not isinstance(design, Frequentist) or type(design).bounds is not Frequentist.bounds:
        return "no repeated confidence interval: this rule does not spend an error rate over its looks"
    days = design.look_days(setting)
    found[days - 1] = design.efficacy(setting.information(days), 1.0 - level, 2)
    return found


def held_by_repeated(design: Design, setting: Setting, ended: np.ndarray, error: Floats, se: Floats) -> Floats | str:
    """Return the share of the comparisons whose interval holds the truth, by experiment; or why there is none.

    Parameters
    ----------
    ended : int ndarray, shape (replicates,)
        Day (from 1) on which each experiment ended.
    error, se : ndarray, shape (replicates, variants)
        Estimates less true effects, and standard errors.
    """
    reach = half_widths(design, setting)
    if isinstance(reach, str):
        return reach
    width = reach[ended - 1][:, None] * se
    usable = np.all(np.isfinite(width), axis=1)
    if usable.sum() < _LEAST:
        return "too few scored responses for an interval"
    return np.asarray((np.abs(error[usable]) <= width[usable]).mean(axis=1))
