"""Table ``[offline]``: all variants answer a fixed set of prompts, with nobody waiting for the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import param

from expsim_panel.errors import InputError
from expsim_panel.preference_checks import check_prompts
from expsim_panel.quantities import Count, Spread, count, days
from expsim_panel.scenario_tables import Traffic
from expsim_panel.sections import Section

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

BATCHES = 10


class Offline(Section):
    """Table ``[offline]``. A row of the analysis is a prompt (a topic, where there are topics) in one variant.

    Spreads are parts of ``metric.sd``; for a rate, of a latent normal with SD 1 that is cut where the rate is. What
    they leave is the spread between output samples of one prompt. Side by side they are parts of
    ``metric.difference_sd``, and `interaction_sd` (`topic_interaction_sd`) is what a prompt (topic) gives to the
    difference of both answers.
    """

    prompts = Count(
        300,
        bounds=(4, 100_000),
        softbounds=(50, 2000),
        step=50,
        label="Prompts",
        doc="Prompts that each variant answers.",
    )
    samples = Count(
        1, bounds=(1, 100), softbounds=(1, 8), label="Answers per prompt", doc="Output samples of a prompt (m)."
    )
    paired = param.Boolean(
        True,
        label="All variants answer the same prompts",
        doc="What the variants share on a prompt then drops out of their difference; otherwise each has prompts of "
        "its own.",
    )
    topics = Count(
        0,
        bounds=(0, 100_000),
        softbounds=(0, 100),
        label="Topics",
        doc="Groups of as many prompts each that are alike; 0: prompts are independent.",
    )
    batches = Count(
        0,
        bounds=(0, 366),
        softbounds=(0, 20),
        label="Batches",
        doc="Parts in which the set is processed: what a strategy may look at; 0: 10, or as many as there are.",
    )
    prompt_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Spread between prompts, SD",
        doc="What a prompt gives to all variants (s_p).",
    )
    interaction_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Spread of a prompt's effect, SD",
        doc="What a prompt gives to one variant alone (s_g).",
    )
    topic_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Spread between topics, SD",
        doc="What a topic gives to all variants.",
    )
    topic_interaction_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Spread of a topic's effect, SD",
        doc="What a topic gives to one variant alone: why errors of paired prompts are clustered by topic.",
    )
    analysis = param.Selector(
        default="auto",
        objects=["auto", "topic", "prompt", "response"],
        label="What counts as independent",
        doc="Auto: topics, or prompts where there are none. Finer than that is a mistake whose false alarms are shown: "
        "prompts of a topic, or single scores of a prompt.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that topics have prompts and batches have topics."""
        if self.topics == 1 or (self.topics and self.prompts % self.topics):
            problem = f"{self.prompts} prompts in {self.topics} topics"
            raise InputError(where, f"{path}.topics", problem, "give 0, or 2 or more topics of as many prompts each")
        if self.batches > self.groups:
            problem = f"{self.batches} batches of {self.groups} {'topics' if self.topics else 'prompts'}"
            raise InputError(where, f"{path}.batches", problem, f"give at most {min(self.groups, 366)}")
        if self.analysis == "topic" and not self.topics:
            raise InputError(where, f"{path}.analysis", "there are no topics", 'write "prompt", or give topics')
        if not self.topics and (self.topic_sd or self.topic_interaction_sd):
            key = "topic_sd" if self.topic_sd else "topic_interaction_sd"
            raise InputError(where, f"{path}.{key}", "there are no topics", "give topics, or set it to 0")

    @property
    def groups(self) -> int:
        """What is independent: topics, or prompts where there are none."""
        return int(self.topics or self.prompts)

    @property
    def size(self) -> int:
        """Prompts of a topic; 1 where there are none."""
        return int(self.prompts // self.groups)

    def of_topics(self) -> tuple[float, float, int]:
        """Return the spreads of a topic, for all variants and for one, and the prompts of a topic."""
        return float(self.topic_sd), float(self.topic_interaction_sd), self.size

    @property
    def level(self) -> str:
        """What is a row of the analysis."""
        if self.analysis == "auto":
            return "topic" if self.topics else "prompt"
        return str(self.analysis)

    @property
    def ticks(self) -> int:
        """Batches, at least one."""
        return int(self.batches) or min(BATCHES, self.groups)

    def shared(self) -> float:
        """Return the variance of quality that all variants share on a prompt."""
        return float(self.prompt_sd**2 + self.topic_sd**2)

    def given(self) -> float:
        """Return the variance of quality that is not between output samples."""
        return self.shared() + float(self.interaction_sd**2 + self.topic_interaction_sd**2)

    def traffic(self, served: Traffic, answers: int) -> Traffic:
        """Return the prompt set as traffic: a unit is a prompt in one variant, `answers` of a prompt; a day a batch."""
        units = max(-(-int(self.prompts) * answers // self.ticks), 2 * answers)
        return Traffic(units_per_day=units, days=self.ticks, exposures_per_unit=float(self.samples), unit=served.unit)


def told_traffic(scenario: Scenario) -> str:
    """Say on whom the study is: a prompt set, or live traffic."""
    table, traffic = scenario.offline, scenario.traffic
    if table is None:
        return f"{count(traffic.units_per_day)} {traffic.unit}s a day, {days(traffic.days)} at most"
    topics = f" in {count(table.topics)} topics" if table.topics else ""
    answers = f", {count(table.samples)} answers to each" if table.samples > 1 else ""
    who = "the same for all variants" if table.paired else "others for each variant"
    return f"{count(table.prompts)} prompts{topics}, {who}{answers}; {count(table.ticks)} batches"


def check_offline(scenario: Scenario, where: str) -> None:
    """Check an offline study against the scenario; raise `InputError` in one line for what is not played."""
    table: Offline = scenario.offline
    metric, kind = scenario.metric, scenario.evaluator.kind
    if scenario.side_by_side:
        check_prompts(scenario, where)
    if metric.draw_levels or metric.family == "amount":
        problem = f"{'levels' if metric.draw_levels else 'amounts'} are not drawn on a prompt set"
        raise InputError(where, "metric.family", problem, "use normal, ordinal by mean and spread, or binary")
    whole, key = 1.0 if scenario.family == "binary" else float(scenario.sds.min()) ** 2, "offline.prompt_sd"
    what = "the latent SD of 1" if scenario.family == "binary" else f"responses vary ({whole**0.5:g})"
    if scenario.side_by_side:
        whole, key = scenario.tie_model.luck_sd**2, "offline.interaction_sd"
        what = f"metric.difference_sd ({whole**0.5:g})"
        if scenario.tie_model.kind != "probit":
            what = f"the luck of a comparison ({whole**0.5:.3g})"
    if table.given() > whole * (1 + 1e-9):
        problem = f"prompts and topics vary by {table.given() ** 0.5:g}, more than {what}"
        raise InputError(where, key, problem, "give parts of it")
    if scenario.guardrails:
        problem = "guardrails watch live traffic, and a prompt set has none"
        raise InputError(where, "guardrails", problem, "remove them here, and keep them for the online test")
    if scenario.analysis.unit != "one-response" or scenario.analysis.skip_days:
        raise InputError(where, "analysis", "of live traffic", "leave it out: offline.analysis says it here")
    if scenario.analysis.covariate_correlation:
        problem = "pairs need no covariate"
        raise InputError(where, "analysis.covariate_correlation", problem, "set it to 0")
    for part in ("judge", "human"):
        one = scenario.evaluator if kind == part else getattr(scenario.evaluator, part, None)
        for key in ("refusals", "pile_up", "drift", "upgrade_shift"):
            if one is not None and float(getattr(one, key, 0.0)):
                problem = f"{key} is not played on a prompt set"
                raise InputError(where, f"evaluator.{key}", problem, "set it to 0, or use live traffic")
    if kind == "hybrid":
        _check_hybrid(scenario, where)


def _check_hybrid(scenario: Scenario, where: str) -> None:
    """Check that labels can correct the judge prompt by prompt."""
    from expsim_panel.paired_laws import check_states

    table, evaluator = scenario.offline, scenario.evaluator
    if not table.paired:
        problem = "judge and people together are played on the same prompts for all variants"
        raise InputError(where, "offline.paired", problem, "set it to true, or use judge or human")
    if table.level != ("topic" if table.topics else "prompt"):
        problem = f"judge and people together correct each other by {'topic' if table.topics else 'prompt'}"
        raise InputError(where, "offline.analysis", problem, 'write "auto", or use judge or human')
    if evaluator.correction not in ("auto", "ppi++", "ppi") or evaluator.labelling != "random":
        problem = "pairs are corrected by PPI++ or PPI, with labels at random"
        raise InputError(where, "evaluator.correction", problem, 'write "auto" and labelling = "random"')
    if not table.topics:  # by topic they are drawn answer by answer, not from a table
        check_states(scenario, int(table.samples), where, "offline.samples")
