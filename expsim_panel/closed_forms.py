"""Which questions of size, power and effect have closed forms, and the call that answers the others."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from expsim_panel import sequential
from expsim_panel.checked import is_real
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.policy_names import read_fields

WHERE = "exact sample-size"
_ASK = {"units": "units_needed", "power": "power_reached", "effect": "effect_needed"}
_OF_STUDY = ("effects", "days")
"""What a study may have that no closed form knows."""
_OF_SOLVING = ("finds", "replicates", "seed", "simulate", "workers", "cancelled")
_OF_FILES = ("scenario", "strategy", "settings")
_SIMPLE = (
    "family", "base", "sd", "sd_treatment", "direction", "allocation", "days", "looks", "cluster_size", "icc",
    "cluster_cv", "cuped_correlation", "alpha", "sides", "information", "parameter", "binding",
)  # fmt: skip
"""Arguments that mean the same in `simple_study`."""
_ALONE = ("test", "margin", "numerator_mean", "denominator_mean", "numerator_sd", "denominator_sd", "correlation")
"""Arguments that only closed forms know."""


def check_closed(
    asked: str, numbers: tuple[float, ...], description: dict[str, Any], takes: Callable[..., Any]
) -> dict[str, Any]:
    """Return the description if it is one of a closed form.

    Parameters
    ----------
    asked : str
        ``units``, ``power`` or ``effect``.
    numbers : tuple
        What stands before the description: power; units; or units and power.
    description : dict
        Keywords of `size_answers.sample_size`.
    takes : callable
        What they will be given to.

    Raises
    ------
    InputError
        An unknown keyword or kind; or one that other functions take, with their call.
    """
    kind = description.get("kind", "fixed-horizon")
    name = _named(kind)
    others = [key for key in (*_OF_STUDY, *_OF_SOLVING, *_OF_FILES) if key in description]
    if others or kind not in ("fixed-horizon", *sequential.kinds()):
        for key in _ALONE:
            if key in description:
                flag = f"--{key.replace('_', '-')}"
                remedy = f"leave it out, or take a fixed or group-sequential kind{' without ' if others else ''}"
                raise InputError(WHERE, flag, f"only closed forms know {key}", remedy + ", ".join(others))
        flag = others[0] if others else "kind"
        within = "" if name == kind else " with parameters"
        problem = f"{flag} in a closed form" if others else f"no closed form of {name}{within}"
        raise InputError(WHERE, f"--{flag}", problem, _call(asked, numbers, str(kind), description))
    known = [key for key in signature(takes).parameters if key != "needs_effect"]
    for key in description:
        if key not in known:
            remedy = did_you_mean(key, [*known, *_OF_STUDY, *_OF_SOLVING])
            raise InputError(WHERE, f"--{key.replace('_', '-')}", f"unknown keyword {shown(key)}", remedy)
    return description


def _named(kind: object) -> str:
    """Return the name of a kind without its parameters; refuse one that there is not."""
    from expsim_panel.strategy import kinds

    name = read_fields(kind, WHERE, "--kind")[0] if isinstance(kind, str) and "(" in kind else kind
    if name not in kinds():
        remedy = did_you_mean(str(name), kinds(), "expsim list")
        raise InputError(WHERE, "--kind", f"unknown strategy {shown(name)}", remedy)
    return str(name)


def _call(asked: str, numbers: tuple[float, ...], kind: str, given: dict[str, Any]) -> str:
    """Return the remedy: the call that takes this description; `...` stands for what it has to say besides."""
    how = [_text(numbers[-1])] if asked != "power" else []
    how += [f"{key}={_text(given[key])}" for key in ("finds", "replicates", "simulate") if key in given]
    if given.get("scenario") is not None:
        load = f"Study.load({_text(given['scenario'])})"
        return f"call {_ASK[asked]}({', '.join([load, 'strategy', *how])})"
    study = [f"{key}={_text(given[key])}" for key in _SIMPLE if given.get(key) is not None]
    effects = _effects(given)
    if asked != "effect" or effects is not None:
        study.append("effects=[...]" if effects is None else f"effects={_text(effects)}")
    if given.get("futility") is not None:
        study.append(f"futility_bounds={_text(given['futility'])}")
    if asked != "units":
        study.append("units_per_day=..." if "days" in given else "units_per_day=..., days=...")
    return f"call {_ASK[asked]}({', '.join([f'simple_study({kind!r}', *study])}), {', '.join([repr(kind[:60]), *how])})"


def _effects(given: dict[str, Any]) -> Any:
    """Return the effects of a description; None where it has none."""
    if given.get("effects") is not None:
        return given["effects"]
    if is_real(given.get("lift")) and is_real(given.get("base")):
        return [given["lift"] * given["base"]]
    return None if given.get("effect") is None else [given["effect"]]


def _text(value: object) -> str:
    return shown(list(value) if isinstance(value, tuple) else value)
