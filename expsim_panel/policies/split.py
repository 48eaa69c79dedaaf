"""The fixed split: every arm gets its share of the traffic, whatever comes out."""

from __future__ import annotations

from expsim_panel.policy import Policy, policies


@policies.register("split")
class Split(Policy):
    """Fixed shares from the scenario's traffic; all strategies with it read the same drawn paths."""

    kind = "split"
    summary = "Fixed shares of the traffic"
    adaptive = False
    follows_data = False
    stopping = "fixed-horizon"
    stopping_fields = {}
