"""A strategy: how units are allocated, when the experiment stops, under one name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from expsim_panel.design import Design, Setting, designs
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.per_request import PER_REQUEST
from expsim_panel.policy import Policy, policies
from expsim_panel.policy_names import read_fields

STANDARD = ("fixed-horizon", "obrien-fleming", "bayesian", "thompson", "peek-daily")
"""What a scenario without ``[[strategies]]`` gets."""

_OWN = ("kind", "name", "allocation", "stopping")


@dataclass(frozen=True)
class Strategy:
    """An allocation policy with a stopping rule.

    Attributes
    ----------
    name : str
        How it is called in this study.
    kind : str
        Name of the design or policy that it is known by.
    policy, design
        The two halves.
    """

    name: str
    kind: str
    policy: Policy
    design: Design

    @property
    def summary(self) -> str:
        """Say in one line what the strategy does."""
        return self.policy.summary if self.policy.kind == self.kind else self.design.summary

    def rule(self, setting: Setting) -> Any:
        """Return the kernel's parameters of the stopping rule on the traffic that the policy brings about."""
        moves = self.policy.follows_data or setting.late_arms
        return self.design.adaptive_rule(setting) if moves else self.design.rule(setting)

    def to_tree(self) -> dict[str, Any]:
        """Return the ``[[strategies]]`` table that `build` reads back."""
        tree: dict[str, Any] = {"kind": self.kind, "name": self.name}
        tree["allocation"], tree["stopping"] = self.policy.kind, self.design.kind
        return {**tree, **self.policy.to_tree(), **self.design.to_tree()}


def kinds() -> list[str]:
    """Return the names of every kind of strategy."""
    return sorted(set(designs.names()) | (set(policies.names()) - {"split"} - PER_REQUEST))


def stays_valid() -> list[str]:
    """Return the stopping rules that hold on any policy's traffic."""
    made = [designs.get(name) for name in designs.names()]
    return [one.kind for one in made if not one.only_fixed and not one.needs_allocation]


def build(tree: Any, where: str, path: str) -> Strategy:
    """Make a strategy from a ``[[strategies]]`` table.

    ``kind`` names a design (played on the fixed split unless ``allocation`` says otherwise) or a policy
    (decided by its own rule at the end unless ``stopping`` says otherwise).

    Raises
    ------
    InputError
        Unknown kind or key, or a value out of bounds.
    """
    if not isinstance(tree, dict) or not isinstance(tree.get("kind"), str):
        raise InputError(where, f"{path}.kind", f"{shown(tree)} names no kind", f"choose from {', '.join(kinds())}")
    kind = tree["kind"]
    for key, name in (("kind", kind), ("allocation", tree.get("allocation"))):
        if isinstance(name, str) and name in PER_REQUEST:
            problem = f"{name} chooses request by request, and a scenario plays days"
            raise InputError(where, f"{path}.{key}", problem, "play it with expsim bandit")
    if kind not in kinds():
        raise InputError(
            where, f"{path}.kind", f"unknown strategy {shown(kind)}", did_you_mean(kind, kinds(), "expsim list")
        )
    by_policy = kind in policies.names()
    if by_policy and tree.get("allocation", kind) != kind:
        problem = f"{shown(tree['allocation'])} beside the policy {kind}"
        raise InputError(where, f"{path}.allocation", problem, f"leave it out: {kind} allocates itself")
    policy = policies.get(kind if by_policy else tree.get("allocation", "split"), where, f"{path}.allocation")()
    stopping = str(tree.get("stopping", policy.stopping if by_policy else kind))
    design = designs.get(stopping, where, f"{path}.stopping")()
    defaults = policy.stopping_fields if by_policy and "stopping" not in tree else {}
    fields = {**defaults, **{key: value for key, value in tree.items() if key not in _OWN}}
    for key, value in fields.items():
        takers = [half for half in (policy, design) if key in half.fields()]
        for half in takers:
            half.put(key, value, where, path)
        if not takers:
            known = [*_OWN, *policy.fields(), *design.fields()]
            raise InputError(where, f"{path}.{key}", f"unknown key {shown(key)}", did_you_mean(str(key), known))
    if design.needs_allocation not in ("", policy.kind):
        problem = f"{design.kind} on the traffic of {policy.kind}"
        raise InputError(where, f"{path}.allocation", problem, f"leave it out: it is {design.needs_allocation}")
    if design.only_fixed and policy.follows_data:
        problem = f"{design.kind} on the traffic of {policy.kind}, which follows the data: {design.only_fixed}"
        raise InputError(where, f"{path}.stopping", problem, f"choose from {', '.join(stays_valid())}")
    policy.follow(design, where, path)
    name = tree.get("name", kind)
    if not isinstance(name, str) or not name.strip() or len(name) > 60:
        raise InputError(where, f"{path}.name", f"{shown(name)} is not a name", "give 1 to 60 characters")
    return Strategy(name, kind, policy, design)


def named(text: str, where: str) -> Strategy:
    """Return the strategy of a kind's name, or of a name with fields such as ``thompson(stopping=msprt)``."""
    if "(" not in text:
        return build({"kind": text}, where, text)
    kind, fields = read_fields(text, where, text)
    return build({"name": text[:60], **fields, "kind": kind}, where, kind)


def standard(adaptive: bool = True, late_arms: bool = False) -> list[Strategy]:
    """Return the five strategies that every scenario is compared on, or those of them that never change the split.

    Where variants arrive late the split is even over those that are there.
    """
    made = [build({"kind": kind}, "standard strategies", kind) for kind in STANDARD]
    if late_arms:
        made = [one if one.policy.adaptive else build(_even(one.kind), "standard strategies", one.kind) for one in made]
    return [one for one in made if adaptive or not one.policy.adaptive]


def _even(kind: str) -> dict[str, Any]:
    return {"kind": kind, "name": kind, "allocation": "even"}
