"""A/B or bandit? The choice of the kind of problem, and the page of the one that was chosen."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.bandit_session import PLAIN, Asked
from expsim_panel.layouts.pages.bandit import Bandits
from expsim_panel.layouts.pages.bandit_problem import ProblemPage
from expsim_panel.layouts.problem_session import AskedProblem
from expsim_panel.layouts.session import Session
from expsim_panel.problem_forms import FORMS

TAB = "A/B or bandit?"
KINDS = {
    "Plain arms: delay, batches, shifts, costs": PLAIN, **{form.title: name for name, form in FORMS.items()},
}  # fmt: skip


def linked() -> AskedProblem | Asked | None:
    """Return the problem that the address of the page asks for; None where it asks for none."""
    found = pn.state.session_args if pn.state.curdoc is not None else {}
    parts = {key: values[-1].decode("utf-8", "replace") for key, values in (found or {}).items() if values}
    if "problem" not in parts:
        return None
    return Asked.linked(parts) if parts["problem"] == PLAIN else AskedProblem.linked(parts)


def view(session: Session) -> pn.Column:
    """Return the page; its problem is its own, beside the study of the session."""
    asked = linked()
    start = PLAIN
    if isinstance(asked, AskedProblem):
        start = asked.kind if asked.kind in FORMS else next(iter(FORMS))
    choice = pmu.Select(
        label="Kind of problem", options=KINDS, value=start, size="small", margin=(9, 0, 0, 0),
        sizing_mode="stretch_width", max_width=400,
    )  # fmt: skip
    made: dict[str, Any] = {}
    body = pn.Column(sizing_mode="stretch_width", margin=0)

    def turn() -> None:
        kind = str(choice.value)
        if kind not in made:
            if kind == PLAIN:
                made[kind] = Bandits(session, asked if isinstance(asked, Asked) else None).view()
            else:
                own = asked if isinstance(asked, AskedProblem) and kind == start else AskedProblem.usual(kind)
                made[kind] = ProblemPage(session, own).view()
        with pn.io.hold():
            body.objects = [made[kind]]

    choice.param.watch(lambda event: turn(), "value")
    turn()
    return pn.Column(choice, body, sizing_mode="stretch_width", margin=(10, 0))
