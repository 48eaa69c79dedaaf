"""Write docs/estimators.md: every estimator over a grid, 100,000 replicates a cell, fixed seeds.

    python tests/write_estimators.py

A test draws some of the cells anew and compares the lines.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import isotonic_page
import numpy as np
from scipy import stats

from expsim_panel.kernels.estimators import binary_eif, plain_eif_variance
from expsim_panel.kernels.pairs import BINARY_COLUMNS, NORMAL_COLUMNS, correct_binary, correct_normal
from expsim_panel.split import optimal_split

PAGE = Path(__file__).resolve().parent.parent / "docs" / "estimators.md"
REPS = 100_000
WIDE = (-9.0, 9.0)
Z = float(stats.norm.ppf(0.975))
LABELS, RATIOS, RHOS = (100, 500, 2000), (1, 9, 99), (0.0, 0.3, 0.6, 0.9)
RATES = ((0.08, 0.75, 0.93), (0.2, 0.75, 0.93), (0.3, 0.8, 0.9), (0.5, 0.9, 0.9))
COSTS = (0.001, 0.01, 0.1, 0.4, 1.2)

HEAD = """# How good the estimators are

Written by `tests/write_estimators.py`; formulas: [model.md](model.md), section 3.2. 100,000 replicates in each cell, seeds
fixed by the cell. Bias is in standard errors of the estimate; a replicate count of 100,000 sees 0.0095 of one (three
Monte Carlo errors). Coverage is of 95 % intervals, Monte Carlo error 0.0007: nominal is 0.9479 to 0.9521.

## Scores: bivariate normal label and judge score

`n` labels, `N` further judge scores, correlation `rho`. *Variance* is the simulated variance of PPI++ over its closed form
`[(1 - rho^2)/n + rho^2/(n + N)]`: the estimated weight costs about `(1 + 2 rho^2 / (1 - rho^2)) / n` of it, 0.095 at rho 0.9
and 100 labels, because it divides by the variance of all scores, not of the labelled ones.
"""
SCORES = (
    "| rho | N/n | n | bias PPI++ | variance | labels z | PPI z | PPI++ z | PPI++ t | cross-fitted z |",
    "|---|---|---|---|---|---|---|---|---|---|",
)
YES_NO = (
    "| p | Se | Sp | n | bias PPI++ | bias cross-fitted | labels z | PPI++ z | PPI++ t | PPI++ logit | cross-fitted z | EIF z | Rogan-Gladen z | refused |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
)
BETWEEN = """
At 2,000 labels every estimator is unbiased and nominal. At 100 the z interval of PPI++ falls short, with N/n = 99 more than
with 1; the t interval mends it.

## Yes or no: labels and judge drawn as a confusion matrix, N/n = 9

`p` prevalence, `Se` and `Sp` the judge's sensitivity and specificity. *Refused*: share of replicates in which J is under two
of its standard errors, where Rogan-Gladen is not offered; its coverage is over all the others.
"""
SPLITS = (
    "| rho | g | judged per label | closed form | simulated | hybrid pays |",
    "|---|---|---|---|---|---|",
)
AFTER = """
The weight of PPI++ comes from the same rows as the mean, and for rates, which are skewed, that leaves a bias of order 1/n
(0.03 standard errors at 2,000 labels); the cross-fitted weight leaves none. Student is no cure for skewness: with 100 labels
and a rate of 0.08 (eight events) only the interval on log odds holds. Rogan-Gladen counts on validated positives: 160 of them
at p = 0.08 and 2,000 labels.

**The one cell that falls short.** At p = 0.08 and 2,000 labels (160 positive ones) the z interval of PPI++ is really below
nominal, if by little; the intervals on log odds and of EIF are not. 2,000,000 replicates, Monte Carlo error 0.00015:

| PPI++ z | PPI++ t | PPI++ logit | cross-fitted z | EIF z | second order |
|---|---|---|---|---|---|
"""
EVENTS = """
*Second order* is the Edgeworth expansion of a studentised mean of `y - L f` at a fixed weight (skewness 2.0 at 2,000 rows); the
rest of the shortfall is the price of the estimated weight, which the cross-fitted one mends in part. Under 200 labels of
the rarer kind `Estimate.interval(kind="auto")` therefore takes the log odds, and the estimate says so in its notes.

## EIF with few positives

The variance of EIF has shrunken rates, `(x + 1)/(n_c + 2)`, so that a verdict without a hit does not claim certainty. One hit
more than there was is much where there are few: *believed* is the mean of that variance over the simulated one, and *plain*
the same with rates as observed and divisors `n_c - 1`, which is unbiased but 0 where there was no hit. So the z interval, and
a test, is too wide with few positives; the interval on log odds has the plain variance and a Student quantile. It is missing
where EIF or its plain variance is 0 (share in *none*); the rule of three speaks there. Widths are means.

| p | Se | Sp | n | positives | believed | plain | EIF z | EIF logit | width z | width logit | none |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""
LAST = """
## The optimal split: variance over labels only, for the same budget

Labels at $1, judge scores at $g, $2,000 to spend; simulated at the whole numbers of `expsim exact split`, PPI++ with the
weight it estimates. A hybrid pays iff `g < 1` and `rho^2 > 4g/(1+g)^2`, and there the simulated variance is below 1.
"""
FLOOR = """
## Where it must fail, and does

* **A partial judge alone.** A judge-only comparison with bias equal to `r` standard errors rejects a true null with
  probability 0.08, 0.17, 0.52, 0.98 at `r^2` = 1/4, 1, 4, 16 (`measurement_design.false_rejection`), more with every row.
* **Labels of one variant only.** The control's residual used for both variants leaves the differential bias in full: a
  bias of 0.1 is 0.1 (`test_labels_of_one_arm_do_not_correct_the_other`).
* **Rogan-Gladen as J goes to 0.** At J = 0.05 with 400 validated rows four replicates of five are refused, and the spread of
  the others is more than five times that of the labels (`test_rogan_gladen_breaks_down_as_j_goes_to_zero`).
* **Ten labels.** At rho 0.3 PPI++ has variance 0.1009 against 0.1 of labels only, with any number of judge scores.
"""


def _covered(value: np.ndarray, variance: np.ndarray, truth: float, quantile: float | np.ndarray = Z) -> float:
    return float((np.abs(value - truth) <= quantile * np.sqrt(variance)).mean())


def _seed(*cell: float) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([round(1e6 * abs(one)) for one in cell]))


def _small(c: dict[str, np.ndarray], n: int, rest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance with small-sample divisors and its Student quantile."""
    near, far = c["tuned_labelled"] * n / (n - 2), c["tuned_rest"] * rest / (rest - 1)
    total = near + far
    df = total**2 / np.maximum(near**2 / (n - 2) + far**2 / (rest - 1), 1e-300)
    return total, stats.t.ppf(0.975, np.maximum(df, 1.0))


def score_line(rho: float, ratio: int, n: int) -> str:
    """Return one line of the table of scores."""
    rest = n * ratio
    out = np.empty((REPS, len(NORMAL_COLUMNS)))
    correct_normal(_seed(rho, ratio, n), n, rest, (3.0, 3.4), (1.0, 0.8), rho, WIDE, out)
    c = dict(zip(NORMAL_COLUMNS, out.T, strict=True))
    tuned = c["tuned_labelled"] + c["tuned_rest"]
    small, quantile = _small(c, n, rest)
    closed = (1 - rho**2) / n + rho**2 / (n + rest)
    bias = (c["tuned"].mean() - 3) / c["tuned"].std()
    cells = (
        f"{bias:+.4f}", f"{c['tuned'].var() / closed:.3f}", _covered(c["labels"], c["labels_variance"], 3.0),
        _covered(c["ppi"], c["ppi_variance"], 3.0), _covered(c["tuned"], tuned, 3.0),
        _covered(c["tuned"], small, 3.0, quantile), _covered(c["crossed"], c["crossed_variance"], 3.0),
    )  # fmt: skip
    told = (one if isinstance(one, str) else f"{one:.4f}" for one in cells)
    return f"| {rho:g} | {ratio} | {n} | {' | '.join(told)} |"


def rate_line(p: float, se: float, sp: float, n: int) -> str:
    """Return one line of the table of rates."""
    rest = 9 * n
    out = np.empty((REPS, len(BINARY_COLUMNS)))
    correct_binary(_seed(p, se, sp, n), n, rest, p, se, sp, WIDE, out)
    c = dict(zip(BINARY_COLUMNS, out.T, strict=True))
    tuned = c["tuned_labelled"] + c["tuned_rest"]
    small, quantile = _small(c, n, rest)
    inside = (c["tuned"] > 0) & (c["tuned"] < 1)
    v = c["tuned"][inside]
    reach = quantile[inside] * np.sqrt(small[inside]) / (v * (1 - v))
    logit = (np.abs(np.log(v / (1 - v)) - math.log(p / (1 - p))) <= reach).sum() / REPS
    offered = np.nan_to_num(c["certainty"], nan=0.0) >= 2
    biases = (f"{(c[name].mean() - p) / c[name].std():+.4f}" for name in ("tuned", "crossed"))
    cells = (
        _covered(c["labels"], c["labels_variance"], p), _covered(c["tuned"], tuned, p),
        _covered(c["tuned"], small, p, quantile), logit, _covered(c["crossed"], c["crossed_variance"], p),
        _covered(c["eif"], c["eif_variance"], p),
        _covered(c["rogan_gladen"][offered], c["rogan_gladen_variance"][offered], p), 1 - offered.mean(),
    )  # fmt: skip
    told = (f"{one:.4f}" for one in cells)
    return f"| {p:g} | {se:g} | {sp:g} | {n} | {' | '.join(biases)} | {' | '.join(told)} |"


def cell_line(p: float, se: float, sp: float, n: int) -> str:
    """Return coverage of one cell at 2,000,000 replicates, and what theory says of the z interval."""
    rest, blocks = 9 * n, 20
    seen = np.zeros(5)
    rng = _seed(p, se, sp, n, 2)
    for _ in range(blocks):
        out = np.empty((REPS, len(BINARY_COLUMNS)))
        correct_binary(rng, n, rest, p, se, sp, WIDE, out)
        c = dict(zip(BINARY_COLUMNS, out.T, strict=True))
        small, quantile = _small(c, n, rest)
        v = c["tuned"]
        reach = quantile * np.sqrt(small) / (v * (1 - v))
        seen += (
            _covered(v, c["tuned_labelled"] + c["tuned_rest"], p), _covered(v, small, p, quantile),
            (np.abs(np.log(v / (1 - v)) - math.log(p / (1 - p))) <= reach).mean(),
            _covered(c["crossed"], c["crossed_variance"], p), _covered(c["eif"], c["eif_variance"], p),
        )  # fmt: skip
    told = (f"{one:.4f}" for one in (*(seen / blocks), second_order(p, se, sp, n)))
    return f"| {' | '.join(told)} |"


def second_order(p: float, se: float, sp: float, n: int) -> float:
    """Return the coverage of a z interval of mean(y - L f) to order 1/n, L the weight of PPI++ at N/n = 9.

    References
    ----------
    P. Hall (1992), The Bootstrap and Edgeworth Expansion, section 2.6: the second-order polynomial of a studentised
    mean, with divisor n.
    """
    score = p * se + (1 - p) * (1 - sp)
    weight = p * (se - score) / (score * (1 - score) * (1 + 1 / 9))
    values = np.array([1 - weight, 1, -weight, 0])
    chances = np.array([p * se, p * (1 - se), (1 - p) * (1 - sp), (1 - p) * sp])
    second, third, fourth = (float(((values - values @ chances) ** k) @ chances) for k in (2, 3, 4))
    skew, kurtosis = third / second**1.5, fourth / second**2 - 3
    inner = kurtosis * (Z * Z - 3) / 12 - skew**2 * (Z**4 + 2 * Z * Z - 3) / 18 - (Z * Z + 3) / 4
    return 0.95 + 2 * float(stats.norm.pdf(Z)) * Z * inner / n


def events_line(p: float, se: float, sp: float, n: int) -> str:
    """Return what the intervals of EIF do with few positives."""
    rng = np.random.Generator(np.random.PCG64([round(1e6 * one) for one in (p, se, sp, n, 3)]))
    hit, missed, false, clear = rng.multinomial(
        n, [p * se, p * (1 - se), (1 - p) * (1 - sp), (1 - p) * sp], REPS
    ).T.astype(float)
    far = rng.binomial(9 * n, p * se + (1 - p) * (1 - sp), REPS).astype(float)
    values, believed, plain = np.empty(REPS), np.empty(REPS), np.empty(REPS)
    for k in range(REPS):
        counts = missed[k] + clear[k], missed[k], hit[k] + false[k], hit[k], 9.0 * n, far[k]
        values[k], believed[k] = binary_eif(*counts)
        plain[k] = plain_eif_variance(*counts)
    usable = (values > 0) & (plain > 0)
    v, quantile = values[usable], float(stats.t.ppf(0.975, n - 2))
    centre, half = np.log(v / (1 - v)), quantile * np.sqrt(plain[usable]) / (v * (1 - v))
    low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    both = (plain > 0) | (hit + false >= 2)
    cells = (
        believed.mean() / values.var(), plain[both].mean() / values.var(), _covered(values, believed, p),
        float(((low <= p) & (p <= high)).mean()), float(2 * Z * np.sqrt(believed).mean()), float((high - low).mean()),
        float(1 - usable.mean()),
    )  # fmt: skip
    told = " | ".join(f"{one:.{digits}f}" for one, digits in zip(cells, (2, 2, 4, 4, 3, 3, 3), strict=True))
    return f"| {p:g} | {se:g} | {sp:g} | {n} | {p * n:g} | {told} |"


def split_line(rho: float, g: float) -> str:
    """Return one line of the table of splits."""
    budget = 2000.0
    found = optimal_split(rho, 1.0, g, budget)
    rest = max(found.judged - found.labelled, 1)
    out = np.empty((REPS, len(NORMAL_COLUMNS)))
    correct_normal(_seed(rho, g, 7), found.labelled, rest, (0.0, 0.0), (1.0, 1.0), rho, WIDE, out)
    simulated = out[:, NORMAL_COLUMNS.index("tuned")].var() * budget
    pays = "yes" if found.hybrid_pays else "no"
    return f"| {rho:g} | {g:g} | {found.judged_per_label:.2f} | {found.variance_ratio:.3f} | {simulated:.3f} | {pays} |"


def lines() -> Iterator[str]:
    """Yield the page line by line."""
    yield from HEAD.splitlines()
    yield ""
    yield from SCORES
    for rho, ratio, n in product(RHOS, RATIOS, LABELS):
        yield score_line(rho, ratio, n)
    yield from BETWEEN.splitlines()
    yield ""
    yield from YES_NO
    for (p, se, sp), n in product(RATES, LABELS):
        yield rate_line(p, se, sp, n)
    yield from AFTER.splitlines()
    yield cell_line(*RATES[0], 2000)
    yield from EVENTS.splitlines()
    for p, n in product((0.02, 0.05, 0.1), (100, 200, 500, 2000)):
        yield events_line(p, 0.75, 0.93, n)
    yield from isotonic_page.lines(RHOS, RATIOS, LABELS, RATES, REPS)
    yield from LAST.splitlines()
    yield ""
    yield from SPLITS
    for rho, g in product(RHOS, COSTS):
        yield split_line(rho, g)
    yield from FLOOR.splitlines()


if __name__ == "__main__":
    PAGE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
