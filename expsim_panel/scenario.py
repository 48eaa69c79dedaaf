"""A scenario: the variants, the traffic, the evaluator and the money of one experiment."""

from __future__ import annotations

import copy
import json
from typing import Any, Self

import numpy as np
import param

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.evaluation import Evaluator, as_given, evaluators
from expsim_panel.guardrail import Guardrail
from expsim_panel.preference import Reader, TieModel
from expsim_panel.quantities import Part, Parts
from expsim_panel.remembering import Once, directly
from expsim_panel.scenario_checks import CHECKS
from expsim_panel.scenario_metric import Metric
from expsim_panel.scenario_offline import Offline
from expsim_panel.scenario_prior import Prior
from expsim_panel.scenario_tables import About, Economics, Traffic
from expsim_panel.scenario_world import Analysis
from expsim_panel.sections import Section
from expsim_panel.variants import Variant

PLANNED = ("spec",)


class Scenario(Section):
    """One experiment: what is tried, on whom, measured by whom, worth how much."""

    scenario = Part(class_=About, label="About", doc="What the experiment is about.")
    metric = Part(class_=Metric, label="Metric", doc="What is measured.")
    variants = Parts(item_type=Variant, label="Variants", doc="Control first.")
    guardrails = param.List(
        default=[],
        item_type=Guardrail,
        label="Guardrails",
        doc="Metrics that must not get worse; usually two or three.",
    )
    traffic = Part(class_=Traffic, label="Traffic", doc="Who sees it and for how long.")
    offline = Part(
        class_=Offline,
        default=None,
        allow_None=True,
        label="Prompt set",
        doc="A fixed set of prompts that all variants answer, in place of live traffic.",
    )
    analysis = Part(class_=Analysis, label="Analysis", doc="How estimates are made.")
    evaluator = Part(class_=Evaluator, label="Evaluator", doc="Who measures quality.")
    evaluators = param.Dict(default={}, label="Evaluators", doc="Fields of the evaluators one may switch to, by kind.")
    economics = Part(class_=Economics, label="Money", doc="What quality and waiting are worth.")
    prior = Part(class_=Prior, label="Prior", doc="What was known before.")
    strategies = param.List(
        default=[], item_type=dict, label="Strategies", doc="Strategies to compare; empty for the five standard ones."
    )
    calibration = param.Dict(
        default={}, label="Calibration", doc="Facts fitted from real ratings, kept with the scenario."
    )

    served: Traffic | None = None
    """Of an offline study, the live traffic that its file describes; `traffic` is then the prompt set."""

    @classmethod
    def from_tree(cls, tree: Any, where: str, path: str = "") -> Self:
        """Build a scenario from a TOML tree; see `Section.from_tree`."""
        if not isinstance(tree, dict):
            raise InputError(where, "", f"{shown(tree)} is not a table", "start from one of `expsim list`")
        tree = dict(tree)
        schema = tree.pop("schema", 1)
        if schema != 1 or isinstance(schema, bool):
            raise InputError(where, "schema", f"unknown schema {shown(schema)}", "write schema = 1")
        for key in tree:
            if key in PLANNED:
                raise InputError(where, key, "not simulated in this version", "remove this table")
            if key not in cls.fields():
                raise InputError(where, key, f"unknown table {shown(key)}", did_you_mean(str(key), cls.fields()))
        made = cls()
        parts: dict[str, type[Section]] = {
            "scenario": About,
            "metric": Metric,
            "traffic": Traffic,
            "analysis": Analysis,
            "economics": Economics,
            "prior": Prior,
        }
        for key, kind in parts.items():
            if key in ("scenario", "metric") and key not in tree:
                raise InputError(where, key, "table is missing", f"add [{key}]")
            setattr(made, key, kind.from_tree(tree.get(key, {}), where, key))
        rows = tree.get("variants")
        if not isinstance(rows, list) or not 2 <= len(rows) <= 10:
            have = len(rows) if isinstance(rows, list) else 0
            raise InputError(where, "variants", f"{have} variants", "give 2 to 10 [[variants]], control first")
        made.variants = [Variant.from_tree(row, where, f"variants.{i}") for i, row in enumerate(rows)]
        rows = tree.get("guardrails", [])
        if not isinstance(rows, list):
            raise InputError(where, "guardrails", f"{shown(rows)} is not a list of tables", "write [[guardrails]]")
        made.guardrails = [Guardrail.from_tree(row, where, f"guardrails.{i}") for i, row in enumerate(rows)]
        made.evaluators = _tables(tree.get("evaluators", {}), where, "evaluators")
        rates = made.family == "binary"
        try:
            made.evaluator = evaluators.build(tree.get("evaluator", {}), made.evaluators, where, rates=rates)
        except InputError as error:
            raise as_given(error, tree) from None
        for kind_name, fields in made.evaluators.items():
            path_to = f"evaluators.{kind_name}"
            spare = evaluators.build({"kind": kind_name}, {kind_name: fields}, where, path_to, rates=rates)
            if made.evaluator.kind not in (kind_name, "hybrid"):
                spare.check_price(where, path_to)
        if "offline" in tree:
            made.offline = Offline.from_tree(tree["offline"], where, "offline")
            made.served = made.traffic
            made.settle()
        rows = tree.get("strategies", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problem = f"{shown(rows)} is not a list of tables"
            raise InputError(where, "strategies", problem, "write [[strategies]] for each")
        made.strategies = copy.deepcopy(rows)
        made.calibration = _tables(tree.get("calibration", {}), where, "calibration", nested=False)
        try:
            made.check(where)
        except InputError as error:
            raise as_given(error, tree) from None
        return made

    def check(self, where: str, path: str = "", once: Once = directly) -> None:
        """Check what concerns several tables: names, means, shares, shift of rates."""
        for one in CHECKS:
            once(one, self, where)

    @property
    def family(self) -> str:
        """How rows are analysed: as counts of a rate, or as scores with a mean and a spread."""
        return "binary" if self.metric.family == "binary" else "normal"

    @property
    def side_by_side(self) -> bool:
        """Whether every variant is compared with the control on the same prompts: win, tie or loss."""
        return bool(self.metric.family == "pairwise")

    @property
    def answers(self) -> int:
        """Answers to a prompt of a set, once over: one of each variant, and side by side one of the control beside."""
        return 2 * (len(self.variants) - 1) if self.side_by_side else len(self.variants)

    @property
    def shown_as(self) -> str:
        """How effects are put into words: ``binary`` for percentage points, which net win rates are too."""
        return "binary" if self.side_by_side else self.family

    @property
    def by_counts(self) -> bool:
        """Whether a row of the analysis is a 0 or a 1; a hybrid's are corrected estimates, a prompt's are shares."""
        return self.family == "binary" and self.evaluator.kind != "hybrid" and self.offline is None

    @property
    def delay_days(self) -> int:
        """Days between a response and its score: late outcomes, and labels that take their time."""
        if self.offline is not None:
            return 0
        return int(self.traffic.delay_days) + int(getattr(self.evaluator, "delay_days", 0))

    @property
    def sign(self) -> float:
        """+1 where more is better, -1 where less is."""
        return 1.0 if self.metric.direction == "increase" else -1.0

    @property
    def shares(self) -> list[float]:
        """Traffic shares, evenly split unless given; side by side, half of the responses are the control's."""
        later = len(self.variants) - 1
        if self.side_by_side:
            return list(self.traffic.shares) or [0.5] + [0.5 / later] * later
        return list(self.traffic.shares) or [1 / (1 + later)] * (1 + later)

    @property
    def means(self) -> np.ndarray:
        """True mean of each variant, shape (arms,), metric units; side by side, the net win rate over the control."""
        found = np.array([variant.mean for variant in self.variants], float)
        return self.tie_model.net(found - found[0]) if self.side_by_side else found

    @property
    def tie_model(self) -> TieModel:
        """How a latent difference turns into win, tie and loss; side by side only."""
        metric = self.metric
        tie = metric.tie_band if metric.tie_model == "probit" else metric.tie_parameter
        return TieModel(str(metric.tie_model), float(tie), float(metric.difference_sd))

    def mean_at(self, effect: float) -> float:
        """Return what a variant's `mean` has to be for an effect over the control, positive is better."""
        if self.side_by_side:
            return float(self.variants[0].mean + self.tie_model.latent(self.sign * effect))
        return float(self.variants[0].mean + self.sign * effect)

    @property
    def sds(self) -> np.ndarray:
        """True standard deviation of one response in each variant, shape (arms,), metric units."""
        if self.family == "binary":
            means = self.means
            return np.asarray(np.sqrt(means * (1 - means)))
        if self.side_by_side:
            differences = np.array([variant.mean - self.variants[0].mean for variant in self.variants], float)
            chances = Reader().chances(self.tie_model, differences)
            return np.asarray(np.sqrt(chances[:, 0] + chances[:, 2] - (chances[:, 2] - chances[:, 0]) ** 2))
        if self.metric.family == "amount" or self.metric.draw_levels:
            # Imported here: listing scenarios must not load compiled code.
            from expsim_panel.outcomes import spread

            return spread(self.metric, self.means)
        return np.asarray([variant.sd or self.metric.sd for variant in self.variants], float)

    @property
    def effects(self) -> np.ndarray:
        """True effect of each variant over control, positive is better, shape (arms,)."""
        return np.asarray(self.sign * (self.means - self.means[0]))

    def settle(self, once: Once = directly) -> None:
        """Let the traffic of an offline study follow its prompt set, after either was changed."""
        traffic = once(_of_prompts, self)
        if traffic is not None and traffic is not self.traffic:
            self.traffic = traffic

    @property
    def live(self) -> Scenario:
        """The same scenario on the traffic that its file describes, without its prompt set."""
        if self.offline is None:
            return self
        tree = self.to_tree()
        del tree["offline"]
        for variant in tree["variants"]:
            # Users do not wait for a batch.
            variant.pop("batch", None)
        return Scenario.from_tree(tree, self.scenario.name)

    def without_losses(self) -> Scenario:
        """Return a copy in which no response gets lost: what the sample-ratio check expects."""
        if self.traffic.mismatch is None:
            return self
        tree = self.to_tree()
        del tree["traffic"]["mismatch"]
        return Scenario.from_tree(tree, self.scenario.name)

    def to_tree(self) -> dict[str, Any]:
        """Return the TOML tree; `from_tree` reads it back to an equal scenario."""
        tree: dict[str, Any] = {"schema": 1}
        for key in ("scenario", "metric"):
            tree[key] = getattr(self, key).to_tree()
        tree["variants"] = [variant.to_tree() for variant in self.variants]
        if self.guardrails:
            tree["guardrails"] = [one.to_tree() for one in self.guardrails]
        for key in ("traffic", "analysis"):
            tree[key] = getattr(self, key).to_tree()
        tree["evaluator"] = self.evaluator.stated(self.evaluators)
        if self.offline is not None and self.served is not None:
            tree["traffic"], tree["offline"] = self.served.to_tree(), self.offline.to_tree()
        if self.evaluators:
            tree["evaluators"] = copy.deepcopy(self.evaluators)
        for key in ("economics", "prior"):
            tree[key] = getattr(self, key).to_tree()
        for key in ("strategies", "calibration"):
            if getattr(self, key):
                tree[key] = copy.deepcopy(getattr(self, key))
        return tree


def _of_prompts(scenario: Scenario) -> Traffic | None:
    """Return a prompt set as traffic; None of live traffic."""
    if scenario.offline is None or scenario.served is None:
        return None
    made: Traffic = scenario.offline.traffic(scenario.served, scenario.answers)
    return made


def _tables(value: Any, where: str, path: str, nested: bool = True) -> dict[str, Any]:
    """Check that `value` is a table (of tables) and return a copy."""
    if not isinstance(value, dict) or (nested and not all(isinstance(v, dict) for v in value.values())):
        raise InputError(where, path, f"{shown(value)} is not a table", f"write [{path}.NAME] tables")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        # These tables are kept as they are, and go into requests and files as JSON.
        raise InputError(where, path, f"holds what JSON cannot ({error})", "write dates as text, drop nan") from None
    return copy.deepcopy(value)
