"""Our values of reference/pairwise_laws.csv."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from expsim_panel.evaluation_laws import PairLaw, pair_law
from expsim_panel.preference import TieModel
from expsim_panel.scenario import Scenario


@cache
def law(text: str) -> PairLaw:
    one = json.loads(text)
    judge = {
        "scale": one["slope"], "item_variant_sd": one["lasting"], "repeat_sd": one["noise"],
        "position_bias": one["place"], "orders": one["orders"], "differential_bias": one["tilt"], "price_override": 0.01,
    }  # fmt: skip
    human = {"noise_sd": one["label_noise"], "price_per_label": 1.0, "raters": 1000}
    tree = {
        "schema": 1,
        "scenario": {"name": "reference", "title": "Reference", "question": "Which is preferred?"},
        "metric": {"name": "preference", "family": "pairwise", "tie_band": one["band"], "difference_sd": one["spread"]},
        "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": one["difference"]}],
        "traffic": {"units_per_day": 100, "days": 5},
        "evaluator": {"kind": "truth"},
        "evaluators": {"judge": judge, "human": human},
    }
    return pair_law(Scenario.from_tree(tree, "reference"), 1)


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    if area == "davidson":
        model = TieModel("davidson", float(inputs["nu"]), float(inputs["unit"]))
        win, loss = (float(model.win(sign * inputs["difference"])) for sign in (1, -1))
        return {"win": win, "tie": 1 - win - loss, "net": win - loss}[output]
    found = law(json.dumps(inputs, sort_keys=True))
    assert found.pairs is not None
    chances = {"loss": found.pairs.alone[0], "tie": found.pairs.alone[1], "win": found.pairs.alone[2]}
    return float({**chances, "rho": found.rho[0], "label_net": found.label[0]}[output])
