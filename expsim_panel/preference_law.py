"""Judge and people on the same comparisons: the law of label and verdict, drawn as counts of their pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError
from expsim_panel.kernels.hybrid import PPI_PLUS
from expsim_panel.kernels.verdict_pairs import CorrectedVerdicts, draw_corrected_verdicts
from expsim_panel.preference_checks import of_people, of_verdicts
from expsim_panel.preference_hybrid import cells_of, joint_of, with_refusals
from expsim_panel.preference_rows import net_of_bias, reader_of

if TYPE_CHECKING:
    from expsim_panel.evaluators.human import Human
    from expsim_panel.evaluators.judge import Judge
    from expsim_panel.label_laws import Joint
    from expsim_panel.scenario import Scenario

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparisons:
    """The joint law of a person's label and a judge's verdict of one comparison.

    Attributes
    ----------
    cells : ndarray, shape (labels, verdicts)
        Chances of every pair; a comparison that the judge refuses counts as a tie.
    alone : ndarray, shape (verdicts,)
        Chances of the verdicts that there are.
    labels, verdicts : ndarray
        Values, ascending; 1 is a win of the variant.
    usable : float
        Share of comparisons that the judge does not refuse.
    """

    cells: Floats
    alone: Floats
    labels: Floats
    verdicts: Floats
    usable: float

    def joint(self) -> Joint:
        """Return the moments of label and verdict, each of shape (1,)."""
        return joint_of(self.cells.reshape(1, -1), self.labels, self.verdicts)

    def alone_moments(self) -> tuple[float, float]:
        """Return mean and standard deviation of the verdicts that there are."""
        mean = float(self.alone @ self.verdicts)
        return mean, float(np.sqrt(max(float(self.alone @ self.verdicts**2) - mean**2, 0.0)))

    def estimates(
        self, rng: np.random.Generator, kind: str, labelled: int, judged: int, replicates: int
    ) -> tuple[Floats, Floats]:
        """Draw a contrast `replicates` times; return mean net win rates and their estimated variances.

        Parameters
        ----------
        kind : str
            ``judge``, ``human`` or ``hybrid`` (PPI++, as a study corrects).
        labelled, judged : int
            Comparisons with a label, and those that the judge is asked about, the labelled ones among them.
        """
        if kind == "hybrid":
            return self._corrected(rng, labelled, max(judged, labelled), replicates)
        if kind == "judge":
            n, chances, values = max(round(judged * self.usable), 2), self.alone, self.verdicts
        else:
            n, chances, values = labelled, self.cells.sum(axis=1), self.labels
        counts = rng.multinomial(n, chances / chances.sum(), size=replicates)
        mean = counts @ values / n
        return mean, np.maximum(counts @ values**2 / n - mean**2, 0.0) / (n - 1)

    def _corrected(
        self, rng: np.random.Generator, labelled: int, judged: int, replicates: int
    ) -> tuple[Floats, Floats]:
        cells = np.ascontiguousarray(np.broadcast_to(self.cells.reshape(-1), (replicates, 1, 1, self.cells.size)))
        law = CorrectedVerdicts(cells, self.labels, self.verdicts, 0.0, PPI_PLUS)
        sums, squares = np.zeros((replicates, 1, 2)), np.zeros((replicates, 1, 2))
        rows = np.full((1, 2), labelled, np.int64)
        draw_corrected_verdicts(rng, law, rows, np.full((1, 2), judged, np.int64), sums, squares)
        mean = sums[:, 0, 1] / labelled
        return mean, np.maximum(squares[:, 0, 1] / labelled - mean**2, 0.0) / (labelled - 1)


def comparisons(scenario: Scenario, judge: Judge, human: Human, arm: int, null: bool = False) -> Comparisons:
    """Return the law of one variant's comparisons with the control; `null` as in `evaluation_laws.pair_law`."""
    arms, model = len(scenario.variants), scenario.tie_model
    people, _ = reader_of(human, arms)
    reader, tilt = reader_of(judge, arms)
    own = tilt[arm - 1 : arm]
    latent = np.zeros(1) if null else model.latent(scenario.means[arm : arm + 1])
    cells = cells_of(model, people, reader, own, latent)
    alone = cells[0].reshape(people.values.size, -1).sum(axis=0)
    told = with_refusals(cells, reader.values.size, float(judge.refusals))[0]
    return Comparisons(
        told.reshape(people.values.size, -1), alone, people.values, reader.values, 1 - float(judge.refusals)
    )


def check_readers(scenario: Scenario, judge: Judge, human: Human) -> None:
    """Check that judge and people, in use or not, can read comparisons; raise `InputError`."""
    for key, bad, problem, remedy in (*of_verdicts(judge, "evaluators.judge"), *of_people(human, "evaluators.human")):
        if bad:
            raise InputError(scenario.scenario.name, key, problem, remedy)


def suspected(scenario: Scenario, judge: Judge) -> float:
    """Return the net win rate that a judge's suspected bias makes between equal variants."""
    reader, _ = reader_of(judge, 2)
    return net_of_bias(scenario, judge.bias_sd(), reader)


def repeated(scenario: Scenario, one: Judge | Human, counts: npt.ArrayLike) -> Floats:
    """Return the variance of a comparison's outcome over its squared slope in the latent difference, by repeats.

    Repeats are calls of a judge or labels of a comparison. Noise does not only spread verdicts, it shrinks the net win
    rate: what counts is how well a small latent difference is found between near equals.
    """
    step, found = 0.01 * scenario.tie_model.scale, []
    field = "repeats" if one.kind == "judge" else "labels_per_item"
    for count in np.asarray(counts):
        reader, _ = reader_of(one.copy(**{field: int(count)}), 2)
        loss, level, win = reader.chances(scenario.tie_model, reader.slope * np.array([-step, 0.0, step]))
        slope = (win - loss) @ reader.values / (2 * step)
        found.append(float(level @ reader.values**2) / float(slope) ** 2)
    return np.array(found)
