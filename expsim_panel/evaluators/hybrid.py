"""Judge and people together: the judge scores many responses, people label some of them and correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import param

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation import Evaluator, FixedSplit, Measurement, evaluators, over
from expsim_panel.evaluator_profiles import filled
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.judge_laws import asked
from expsim_panel.label_laws import Joint, joint
from expsim_panel.paired_laws import check_pairs, differences
from expsim_panel.quantities import Factor, Share, Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import RowKind
    from expsim_panel.scenario import Scenario

PARTS: dict[str, type[Evaluator]] = {"judge": Judge, "human": Human}


@evaluators.register("hybrid")
class Hybrid(Evaluator):
    """A judge whose scores are corrected by labels, drawn at random in every variant (MODEL section 3.2).

    A row of the analysis is a labelled response. The corrected mean of n labels and T scores counts as that of n
    rows, whose variance is ``s^2 [(1 - rho^2) + rho^2 n / T]`` each.
    """

    kind = "hybrid"
    summary = "An LLM judge corrected by human labels: cheap scores, without the judge's bias"
    rows_word = "labelled"
    coverage = Share(
        1.0,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, True),
        softbounds=(0.05, 1.0),
        step=0.05,
        label="Share of units judged",
        doc="Part of the units whose response the judge scores; by default what [evaluators.judge] says.",
    )
    label_share = Share(
        0.1,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, True),
        softbounds=(0.01, 1.0),
        step=0.01,
        label="Share of judged responses labelled",
        doc="Random part of the judged responses that people label too; by default from both shares of units.",
    )
    correction = param.Selector(
        default="auto",
        objects=["auto", "ppi++", "ppi", "eif", "isotonic", "rogan-gladen"],
        label="Correction",
        doc="How labels correct the judge. Auto: the efficient one, PPI++ for scores and pairs and EIF for rates. "
        "Isotonic maps scores to labels by a rising curve, fitted on other labels (cross-fitted): for a judge that is "
        "not linear. Rogan-Gladen is fragile: its error explodes where sensitivity + specificity is near 1.",
    )
    labelling = param.Selector(
        default="random",
        objects=["random", "active"],
        label="Which responses are labelled",
        doc="A random part, or more of those of which the judge is unsure: for scores by an uncertainty that it tells, "
        "each label weighed by 1 / P(labelled); for yes and no by the verdict that is wrong more often.",
    )
    uncertainty_cv = Factor(
        0.5,
        bounds=(0, 10),
        softbounds=(0, 2),
        step=0.1,
        label="How unevenly the judge errs",
        doc="Coefficient of variation between responses of the SD of label given score, known from the judge's "
        "uncertainty (lognormal); read where labelling is active, for scores.",
    )
    paired = param.Boolean(
        False,
        label="All variants answer the same prompts",
        doc="Offline: judge and people see every variant's response to a prompt, and what the variants share drops "
        "out; units are responses, as many of each variant.",
    )
    prompt_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Spread between prompts, SD",
        doc="Part of metric.sd that a prompt gives to all variants (s_p), for a rate of a latent normal with SD 1 that "
        "is cut where the rate is; read where prompts are paired.",
    )
    judge = param.ClassSelector(class_=Judge, label="Judge", doc="The LLM that scores; its coverage is not read.")
    human = param.ClassSelector(class_=Human, label="People", doc="Who labels; their coverage is not read.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"judge": Judge(), "human": Human(), **params})

    @classmethod
    def from_tree(cls, tree: Any, where: str, path: str = "") -> Self:
        """Build the object; the tables of judge and people may name profiles."""
        if not isinstance(tree, dict):
            return super().from_tree(tree, where, path)
        parts = {key: _filled(tree[key], key, where, f"{path}.{key}") for key in PARTS if key in tree}
        return super().from_tree({**tree, **parts}, where, path)

    @classmethod
    def completed(
        cls, tree: dict[str, Any], alternatives: dict[str, dict[str, Any]], where: str, path: str, rates: bool
    ) -> dict[str, Any]:
        """Take what judge and people leave out from ``[evaluators.judge]`` and ``[evaluators.human]``; shares too."""
        made = dict(tree)
        for key in PARTS:
            own = _part(made.get(key, {}), key, where, f"{path}.{key}")
            if isinstance(own, dict):
                names = where, f"evaluators.{key}", f"{path}.{key}"
                own = over(alternatives.get(key, {}), own, key, names, rates)
            made[key] = own
        judged = _share(made["judge"], 1.0)
        made.setdefault("coverage", judged)
        if "label_share" not in made and isinstance(made["coverage"], (int, float)) and made["coverage"] > 0:
            made["label_share"] = min(_share(made["human"], 0.1) / made["coverage"], 1.0)
        return made

    @property
    def row_share(self) -> float:
        """Part of the units that become a row of the analysis: labelled ones."""
        return float(self.coverage) * float(self.label_share)

    @property
    def delay_days(self) -> int:
        """Days until label and score are in: of people, or of a judge's batch."""
        return max(int(self.human.delay_days), int(self.judge.delay_days))

    def stated(self, beside: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return the tree with what both halves leave out at its default where a table beside says otherwise."""
        tree = super().stated(beside)
        for key in PARTS:
            tree[key] = getattr(self, key).stated(beside)
        return tree

    def method(self, family: str) -> str:
        """Return the correction in use."""
        if self.correction == "auto":
            return "eif" if family == "binary" and not self.paired else "ppi++"
        return str(self.correction)

    @property
    def residual(self) -> float:
        """What active labelling leaves of the variance of a label given its score: ``1 / (1 + cv^2)``."""
        return 1 / (1 + float(self.uncertainty_cv) ** 2) if self.labelling == "active" else 1.0

    @property
    def uneven(self) -> float:
        """Squared coefficient of variation of the weights of actively chosen labels: that of lognormal ``1 / u``."""
        return float(self.uncertainty_cv) ** 2 if self.labelling == "active" else 0.0

    def joint(self, means: np.ndarray, sds: np.ndarray, family: str) -> Joint:
        """Return the joint law of a label and a score."""
        return joint(self.judge, self.human, means, sds, family)

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of one labelled row as the correction makes it count."""
        spread = np.sqrt(self.per_label(means, sds, family, float(self.label_share)))
        found = self.joint(means, sds, family)
        if self.paired:
            return Measurement(found.label, spread)
        return Measurement(found.label, spread, found.severity_sd, found.raters, found.shared)

    def per_label(self, means: np.ndarray, sds: np.ndarray, family: str, share: float) -> np.ndarray:
        """Return the variance of a corrected mean times its labels, where they are a share of what is judged.

        Shape of `means`; on pairs as `Differences.by_arm` says.
        """
        if self.paired and means.shape[-1] > 1:
            return differences(self, means, sds, family).by_arm(share, self.method(family))
        found = self.joint(means, sds, family)
        if self.method(family) == "isotonic":
            from expsim_panel.isotonic_law import explained

            left = 0.0 if share >= 1 else 1 - share
            return np.asarray(found.label_sd**2 - left * explained(self, np.asarray(means, float), sds, family))
        if self.labelling == "active" and family == "binary":
            control = self.joint(means[..., :1], np.asarray(sds)[..., :1], family)
            return found.per_label_favoured(share, control.favour())
        told = found.per_label(share, self.method(family), self.residual)
        if self.labelling == "active" and found.severity_sd > 0:
            # Weights multiply severities too, which are balanced only where all weigh the same.
            told = told + self.uneven * found.severity_sd**2 * (1 - 1 / found.raters)
        return told

    def rows(
        self, scenario: Scenario, means: np.ndarray, sds: np.ndarray, pull: np.ndarray, steps: np.ndarray
    ) -> RowKind:
        """Return what rows are made of: labels and scores of responses, or of prompts that all variants answer."""
        from expsim_panel.hybrid_rows import labelled_rows
        from expsim_panel.isotonic_rows import calibrated_rows
        from expsim_panel.paired_rows import paired_rows

        made = paired_rows if self.paired else calibrated_rows if self.correction == "isotonic" else labelled_rows
        return made(scenario, self, means, sds, pull, steps)

    @property
    def fixed_split(self) -> FixedSplit | None:
        """Say why pairs and isotonic maps are for a fixed split only."""
        if self.paired:
            because = "sends a prompt to one variant, and paired prompts go to both"
            return FixedSplit(because, "write evaluator.paired = false")
        if self.correction == "isotonic":
            return FixedSplit(
                "moves traffic, and isotonic calibration is for a fixed split", 'write correction = "auto"'
            )
        return None

    @property
    def label_lag(self) -> int:
        """Days by which a label is later than a score of the same response."""
        return max(int(self.human.delay_days) - int(self.judge.delay_days), 0)

    def partly_labelled(self, means: np.ndarray, sds: np.ndarray, family: str, part: float) -> np.ndarray:
        """Return the variance of a corrected mean times its labels where only `part` of them is in."""
        return self.per_label(means, sds, family, part * float(self.label_share))

    def usd_per_row(self) -> float:
        """Dollars for one label and for the scores that come with it."""
        return sum(self.usd_by_payee().values())

    def usd_by_payee(self) -> dict[str, float]:
        """Dollars per labelled row, for the judge's scores and for the label."""
        # A refused response is a row too, which counts as the mean score.
        each = self.judge.usd_per_row() / asked(self.judge.refusals)
        return {"judge": each / float(self.label_share), "human": self.human.usd_per_row()}

    def responses_per_row(self) -> dict[str, float]:
        """Responses judged and labelled for one labelled row."""
        return {"judge": 1 / float(self.label_share), "human": 1.0}

    def seconds_per_row(self) -> float:
        """Working seconds of people for one labelled row."""
        return float(self.human.seconds_per_row())

    def rows_per_day(self) -> float:
        """Labelled rows that a day can bring: by people's hours, and by the judge's calls beside them."""
        judged = self.judge.rows_per_day() * asked(self.judge.refusals)
        return float(min(self.human.rows_per_day(), judged * float(self.label_share)))

    def price_note(self) -> str:
        """Say where both prices come from."""
        return f"judge: {self.judge.price_note()}; people: {self.human.price_note()}"

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check both halves against the scenario, and that the correction fits the metric and the analysis."""
        for key, share in (("judge", float(self.coverage)), ("human", self.row_share)):
            try:
                getattr(self, key).copy(coverage=share).check_for(scenario, where)
            except InputError as error:
                field = error.key.removeprefix("evaluator.")
                full = "evaluator.label_share" if field == "coverage" else f"evaluator.{key}.{field}"
                raise InputError(error.where, full, error.problem, error.remedy) from None
        binary, method = scenario.family == "binary", str(self.correction)
        if method in ("eif", "rogan-gladen") and not binary:
            problem = f"{method} corrects rates, and {scenario.metric.name} is a score"
            raise InputError(where, "evaluator.correction", problem, 'write "ppi++"')
        if method == "isotonic" and (scenario.side_by_side or self.labelling == "active"):
            what = "verdicts on two responses" if scenario.side_by_side else "labels at random, not chosen ones"
            problem = f"isotonic calibration needs {'scores, not ' if scenario.side_by_side else ''}{what}"
            raise InputError(where, "evaluator.correction", problem, 'write "auto"')
        analysis, traffic = scenario.analysis, scenario.traffic
        if analysis.unit != "one-response" or traffic.switchback is not None:
            problem = "a hybrid scores one response of a unit"
            raise InputError(where, "analysis.unit", problem, 'write "one-response", and no switchback')
        if analysis.covariate_correlation != 0:
            problem = "a hybrid's covariate is the judge's score"
            raise InputError(where, "analysis.covariate_correlation", problem, "set it to 0")
        if self.paired and scenario.offline is not None:
            raise InputError(where, "evaluator.paired", "the prompt set says who answers what", "remove it")
        if self.paired:
            check_pairs(self, scenario, where)
        if self.labelling == "active":
            self._check_active(scenario, where)
        if method in ("rogan-gladen", "isotonic"):
            from expsim_panel.timeline import stratified

            if stratified(scenario):
                problem = f"{method.capitalize()} is one correction for all days"
                raise InputError(where, "analysis.estimator", problem, 'write "pooled", or correction = "auto"')

    def _check_active(self, scenario: Scenario, where: str) -> None:
        """Check that labels can be chosen by what the judge says."""
        from expsim_panel.timeline import stratified

        metric, remedy = scenario.metric, 'write "random"'
        if metric.draw_levels or metric.family == "amount" or self.label_share == 1:
            problem = "active labelling is for scores and for yes and no, a part of them labelled"
            raise InputError(where, "evaluator.labelling", problem, remedy)
        if scenario.family != "binary":
            return
        if self.method("binary") != "eif":
            problem = f"labels by verdict are put together by EIF, not by {self.correction}"
            raise InputError(where, "evaluator.correction", problem, 'write "auto", or labelling = "random"')
        if stratified(scenario):
            problem = "labels by verdict are put together over all days"
            raise InputError(where, "analysis.estimator", problem, 'write "pooled", or labelling = "random"')


def _part(tree: Any, kind: str, where: str, path: str) -> Any:
    """Return the table of one half without its kind."""
    if not isinstance(tree, dict):
        return tree
    own = {key: value for key, value in tree.items() if key != "kind"}
    if tree.get("kind", kind) != kind:
        raise InputError(where, f"{path}.kind", f"{shown(tree['kind'])} is no {kind}", f'write "{kind}", or nothing')
    return own


def _filled(tree: Any, kind: str, where: str, path: str) -> Any:
    own = _part(tree, kind, where, path)
    return filled(own, kind, where, path) if isinstance(own, dict) else own


def _share(tree: Any, otherwise: float) -> float:
    """Return the coverage that a table asks for, or what its kind has by default."""
    found = tree.get("coverage", otherwise) if isinstance(tree, dict) else otherwise
    usable = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 < found <= 1
    return float(found) if usable else otherwise
