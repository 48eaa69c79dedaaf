"""Group-sequential designs by name: what `expsim exact group-sequential` computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel.analytic import GroupSequential, characteristics
from expsim_panel.beta_spending import beta_spending_bounds
from expsim_panel.boundaries import check_futility, spending_bounds
from expsim_panel.checked import (
    WHERE,
    Floats,
    check_error_rate,
    check_information,
    check_power,
    check_real_list,
    equal_information,
)
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.look_lists import z_bounds

if TYPE_CHECKING:
    from expsim_panel.designs._frequentist import Frequentist

__all__ = ["Plan", "kinds", "observed_bounds", "sequential_design", "sequential_plan"]

PER_SIDE, OVERALL = "per-side", "overall"


def kinds() -> dict[str, type[Frequentist]]:
    """Return the designs that solve their bounds for an error rate, by name."""
    from expsim_panel.design import designs
    from expsim_panel.designs._frequentist import Frequentist

    # A design with bounds of its own, such as peeking daily, solves for no error rate.
    return {
        name: cls
        for name, cls in designs.all().items()
        if issubclass(cls, Frequentist) and cls.bounds is Frequentist.bounds
    }


@dataclass(frozen=True)
class Plan:
    """A named design with everything that its bounds depend on, checked. See `sequential_design`."""

    design: Frequentist
    information: Floats
    alpha: float
    sides: int
    futility: Floats
    binding: bool

    def upper(self, futility: Floats | None = None) -> Floats:
        """Return the efficacy bounds, with binding futility bounds or the plan's own."""
        in_force = self.futility if futility is None else futility
        return self.design.efficacy(self.information, self.alpha, self.sides, in_force if self.binding else None)


def sequential_plan(
    kind: str,
    looks: int | None = None,
    alpha: float = 0.05,
    sides: int = 2,
    information: Sequence[float] | Floats | None = None,
    parameter: float | None = None,
    futility: Sequence[Any] | Floats | None = None,
    binding: bool = False,
    alpha_spent: Sequence[float] | Floats | None = None,
    two_sided_spending: str = PER_SIDE,
) -> Plan:
    """Return a checked plan; arguments and errors as in `sequential_design`."""
    known = kinds()
    if kind not in known:
        raise InputError(WHERE, "--kind", f"unknown kind {shown(kind)}", did_you_mean(str(kind), known))
    check_error_rate(alpha, sides)
    design = known[kind]()
    if 1e-6 <= alpha <= 0.5:
        with design.unchecked():
            design.alpha = float(alpha)
    if alpha_spent is not None:
        if "alpha_spent" not in design.fields():
            remedy = "give --kind user-spending"
            raise InputError(WHERE, "--alpha-spent", f"{kind} spends by a rule of its own", remedy)
        _put(design, "alpha_spent", "--alpha-spent", check_real_list("--alpha-spent", alpha_spent))
    if parameter is not None:
        if not design.parameter_key:
            raise InputError(WHERE, "--parameter", f"{kind} has no parameter", "leave it out")
        _put(design, design.parameter_key, "--parameter", parameter)
    if two_sided_spending != PER_SIDE and "two_sided_spending" in design.fields():
        _put(design, "two_sided_spending", "--two-sided-spending", two_sided_spending)
    elif two_sided_spending not in (PER_SIDE, OVERALL):
        problem = f"unknown value {shown(two_sided_spending)}"
        raise InputError(WHERE, "--two-sided-spending", problem, f"give {PER_SIDE} or {OVERALL}")
    fractions = _fractions(design, kind, looks, information)
    try:
        listed = z_bounds(list(futility)) if futility is not None else None
    except (TypeError, ValueError):
        problem = f"futility bounds are {shown(futility)}"
        remedy = "give z bounds such as 0,0, none for a look without"
        raise InputError(WHERE, "--futility-bounds", problem, remedy) from None
    return Plan(design, fractions, float(alpha), int(sides), check_futility(listed, fractions.size, sides), binding)


def _put(design: Frequentist, key: str, flag: str, value: Any) -> None:
    """Set a Param of the design; its complaint names the flag."""
    try:
        design.put(key, value, WHERE)
    except InputError as error:
        raise InputError(WHERE, flag, f"{key.replace('_', ' ')} {error.problem}", error.remedy) from None


def _fractions(
    design: Frequentist, kind: str, looks: int | None, information: Sequence[float] | Floats | None
) -> Floats:
    """Return the information fractions; raise `InputError` where they disagree with the number of looks."""
    if information is None:
        fractions = equal_information(design.planned_looks() if looks is None else looks)
    else:
        fractions = check_information(information, end=True)
        if looks is not None and fractions.size != looks:
            problem = f"{fractions.size} fractions for {looks} looks"
            raise InputError(WHERE, "--information", problem, "give one fraction for each look")
    if "looks" not in design.fields() and fractions.size != 1:
        problem = f"{kind} with {fractions.size} looks"
        raise InputError(WHERE, "--looks", problem, "it looks once, at the end: give --looks 1")
    return fractions


def sequential_design(
    kind: str,
    looks: int | None = None,
    alpha: float = 0.05,
    sides: int = 2,
    *,
    information: Sequence[float] | Floats | None = None,
    parameter: float | None = None,
    futility: Sequence[Any] | Floats | None = None,
    binding: bool = False,
    futility_kind: str | None = None,
    futility_parameter: float | None = None,
    alpha_spent: Sequence[float] | Floats | None = None,
    two_sided_spending: str = PER_SIDE,
    power: float | None = None,
    effect: float | None = None,
    sd: float | None = None,
    units: float | None = None,
    allocation: Sequence[float] = (1, 1),
    rates: Sequence[float] | None = None,
    margin: float = 0.0,
) -> GroupSequential:
    """Return a named group-sequential design with its exact operating characteristics.

    Parameters
    ----------
    kind : str
        `fixed-horizon`, `obrien-fleming`, `pocock`, `wang-tsiatis`, `haybittle-peto`,
        `lan-demets-obrien-fleming`, `lan-demets-pocock`, `kim-demets`, `hwang-shih-decani`, `user-spending`.
    looks : int, optional
        1 to 400, evenly spaced unless `information` is given; the kind's default otherwise.
    alpha : float
        Type I error over all sides and looks.
    sides : int
        1 or 2. Two-sided bounds are symmetrical.
    information : array_like, shape (K,), optional
        Fractions in (0, 1], increasing, ending at 1.
    parameter : float, optional
        Delta of `wang-tsiatis` (default 0.25), gamma of `kim-demets` (3) and `hwang-shih-decani` (-4),
        interim bound of `haybittle-peto` (3).
    futility : sequence, shape (K - 1,), optional
        z bounds of the interim looks; -inf or ``"none"`` for a look without. A one-sided test gives up at or below
        them, a two-sided one within them of 0.
    binding : bool
        Whether futility bounds will be obeyed for certain: alpha is then exact with them in force.
    futility_kind, futility_parameter : optional
        A spending kind whose function spends ``1 - power`` on futility bounds, solved for.
    alpha_spent : array_like, shape (K,), optional
        Cumulative type I error of `user-spending`.
    two_sided_spending : {"per-side", "overall"}
        Whether a two-sided spending function is applied to alpha / 2 for each side (rpact, gsDesign) or to
        alpha.
    power, effect, sd, units, allocation, rates, margin
        As in `characteristics` (`power` is its `target_power`).

    Returns
    -------
    GroupSequential

    Raises
    ------
    InputError
        An argument is out of its range or contradicts another.
    """
    if binding and futility is None and futility_kind is None:
        raise InputError(WHERE, "--binding", "no futility bounds to bind", "give --futility-bounds")
    planned = sequential_plan(
        kind, looks, alpha, sides, information, parameter, futility, binding, alpha_spent, two_sided_spending
    )
    given_up = planned.futility
    if futility_kind is None:
        upper = planned.upper()
    else:
        upper, given_up = _both(planned, futility_kind, futility_parameter, power, futility)
    return characteristics(
        upper, planned.information, planned.alpha, planned.sides, given_up, binding, power, effect, sd, units,
        allocation, rates, margin,
    )  # fmt: skip


def _both(
    planned: Plan, kind: str, parameter: float | None, power: float | None, futility: object
) -> tuple[Floats, Floats]:
    """Return efficacy and futility bounds that spend both errors."""
    from expsim_panel.designs._futility import FutilitySpending
    from expsim_panel.designs._spending import Spending

    if futility is not None:
        raise InputError(WHERE, "--futility-kind", "futility bounds are given too", "give one of them")
    if power is None:
        raise InputError(WHERE, "--futility-kind", "beta is not known", "give --power")
    check_power(power, planned.alpha)
    losing = sequential_plan(kind, None, planned.alpha, 1, planned.information, parameter).design
    for name, design, needed in ((kind, losing, Spending), (planned.design.kind, planned.design, FutilitySpending)):
        if not isinstance(design, needed):
            problem, remedy = f"{name} has no spending function", "choose a spending kind for both bounds"
            raise InputError(WHERE, "--futility-kind", problem, remedy)
    assert isinstance(losing, Spending)
    assert isinstance(planned.design, FutilitySpending)
    spent = planned.design.spent(planned.information, planned.alpha, planned.sides)
    upper, lower, _ = beta_spending_bounds(
        spent, losing.spent(planned.information, 1.0 - power, 1), planned.information, planned.binding, planned.sides
    )
    return upper, lower


def observed_bounds(planned: Plan, observed: Sequence[float] | Floats, final: bool = False) -> tuple[Floats, Floats]:
    """Return the bounds of looks that did not happen when they were planned.

    Spending designs spend by the information that came in, at most alpha; all others spend at look k what
    was planned for look k. A look at or beyond information 1, or the last one if `final`, spends all that is
    left: a test that ran over or stopped short keeps alpha.

    Parameters
    ----------
    planned : Plan
        The design; its futility bounds, if binding, hold at the looks in order.
    observed : array_like, shape (m,)
        Information of the looks so far as fractions of the planned maximum; increasing, may pass 1.
    final : bool
        Whether the last of them is the last look.

    Returns
    -------
    upper : ndarray, shape (m,)
        z bounds.
    spent : ndarray, shape (m,)
        Cumulative alpha.

    Raises
    ------
    InputError
        An argument is out of its range, or there are more looks than such a design planned.

    References
    ----------
    .. [1] Lan, DeMets (1983), Biometrika 70, 659-663; Jennison, Turnbull (2000), section 7.2.
    """
    from expsim_panel.designs._spending import Spending

    seen = np.asarray(check_real_list("--observed", observed), np.float64)
    said = f"observed information is {shown(seen.tolist())}"
    if not np.all(seen > 0) or np.any(np.diff(seen) <= 0):
        raise InputError(WHERE, "--observed", said, "give positive fractions that increase")
    over = np.flatnonzero(seen >= 1.0 - 1e-9)
    if over.size and over[0] < seen.size - 1:
        raise InputError(WHERE, "--observed", said, "a look at 1 or beyond is the last one")
    if isinstance(planned.design, Spending):
        spent = planned.design.spent(np.minimum(np.append(seen, 2.0), 1.0), planned.alpha, planned.sides)[:-1]
    else:
        planned_looks = planned.information.size
        if seen.size > planned_looks:
            problem = f"{seen.size} looks where {planned_looks} were planned"
            remedy = "choose a spending kind: the others know what to spend at planned looks only"
            raise InputError(WHERE, "--observed", problem, remedy)
        at_plan = characteristics(
            planned.upper(), planned.information, planned.alpha, planned.sides, planned.futility, planned.binding
        )
        spent = at_plan.alpha_spent[: seen.size].copy()
    if final or over.size:
        spent[-1] = planned.alpha
    futility = None
    if planned.binding:
        futility = np.full(seen.size, -np.inf)
        interim = min(seen.size, planned.futility.size - 1)
        futility[:interim] = planned.futility[:interim]
        if final or over.size:
            futility[-1] = -np.inf
    # Only ratios of the information count.
    return spending_bounds(spent, seen / seen[-1], planned.sides, futility), spent
