"""expsim_panel: simulate a GenAI experiment before you pay for it.

The public Python door is small::

    from expsim_panel import Study
    result = Study.load("summarization-prompt").run(seed=7)
"""

from __future__ import annotations

from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

from expsim_panel._version import VERSION as __version__

# `kernels/` and `layouts/` stand beside this package in a checkout and inside it once installed.
# In a checkout, let `expsim_panel.kernels` resolve to the neighbour folder.
_root = _Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "kernels" / "__init__.py").is_file():
    __path__.append(str(_root))

if TYPE_CHECKING:
    from expsim_panel.analytic import group_sequential
    from expsim_panel.bandits import bandit
    from expsim_panel.conditional import conditional_power, predictive_power
    from expsim_panel.cuped import cuped_variance_ratio
    from expsim_panel.errors import InputError
    from expsim_panel.multiplicity import adjusted_p_values, dunnett_critical
    from expsim_panel.needed import days_needed, effect_needed, power_reached, units_needed
    from expsim_panel.past_effects import fit_prior
    from expsim_panel.proportions import zero_events_bound
    from expsim_panel.repeated_tests import peeking
    from expsim_panel.results import Result
    from expsim_panel.scenario import Scenario
    from expsim_panel.sequential import observed_bounds, sequential_design, sequential_plan
    from expsim_panel.simple_world import simple_study
    from expsim_panel.size_answers import mde, power, sample_size
    from expsim_panel.srm import sample_ratio_check
    from expsim_panel.stagewise import stagewise_estimate
    from expsim_panel.study import Study

_HOME = {
    "InputError": "expsim_panel.errors",
    "Result": "expsim_panel.results",
    "Scenario": "expsim_panel.scenario",
    "Study": "expsim_panel.study",
    "adjusted_p_values": "expsim_panel.multiplicity",
    "bandit": "expsim_panel.bandits",
    "conditional_power": "expsim_panel.conditional",
    "cuped_variance_ratio": "expsim_panel.cuped",
    "days_needed": "expsim_panel.needed",
    "dunnett_critical": "expsim_panel.multiplicity",
    "effect_needed": "expsim_panel.needed",
    "fit_prior": "expsim_panel.past_effects",
    "group_sequential": "expsim_panel.analytic",
    "mde": "expsim_panel.size_answers",
    "observed_bounds": "expsim_panel.sequential",
    "peeking": "expsim_panel.repeated_tests",
    "power": "expsim_panel.size_answers",
    "power_reached": "expsim_panel.needed",
    "predictive_power": "expsim_panel.conditional",
    "sample_ratio_check": "expsim_panel.srm",
    "sample_size": "expsim_panel.size_answers",
    "sequential_design": "expsim_panel.sequential",
    "sequential_plan": "expsim_panel.sequential",
    "simple_study": "expsim_panel.simple_world",
    "stagewise_estimate": "expsim_panel.stagewise",
    "units_needed": "expsim_panel.needed",
    "zero_events_bound": "expsim_panel.proportions",
}
__all__ = [
    "InputError",
    "Result",
    "Scenario",
    "Study",
    "__version__",
    "adjusted_p_values",
    "bandit",
    "conditional_power",
    "cuped_variance_ratio",
    "days_needed",
    "dunnett_critical",
    "effect_needed",
    "fit_prior",
    "group_sequential",
    "mde",
    "observed_bounds",
    "peeking",
    "power",
    "power_reached",
    "predictive_power",
    "sample_ratio_check",
    "sample_size",
    "sequential_design",
    "sequential_plan",
    "simple_study",
    "stagewise_estimate",
    "units_needed",
    "zero_events_bound",
]


def __getattr__(name: str) -> Any:
    """Load the public names on first use: `expsim --help` must not pay for Numba and SciPy."""
    if name not in _HOME:
        raise AttributeError(f"module 'expsim_panel' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
