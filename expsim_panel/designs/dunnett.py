"""Several variants against one control at the end by Dunnett's test."""

from __future__ import annotations

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.multiplicity import dunnett_critical


@designs.register("dunnett")
class Dunnett(AtTheEnd):
    """One bound for all variants that uses how they share the control: exactly alpha for the family.

    That is, without a difference any z is beyond the bound, on either side of a two-sided test, with chance alpha. A
    run counts less of that as its type I error where there are two sides: a variant found better, or every variant
    found worse; one found worse ends nothing. Two-sided at 0.05 it shows 0.0270 with two variants and 0.0253 with
    three; one-sided alpha itself.

    References
    ----------
    C. W. Dunnett (1955), JASA 50, 1096-1121.
    """

    kind = "dunnett"
    summary = "Several variants against one control at the end, at the exact family level"
    error_claim = "exact"
    only_fixed = "it needs the correlation of an equal split"

    def bounds(self, setting: Setting) -> Bounds:
        """Return Dunnett's bound at the planned numbers of responses."""
        rows = [max(float(n), 1.0) for n in setting.rows[-1]]
        return self.at_the_end(setting, dunnett_critical(setting.arms - 1, self.alpha, self.sides, rows))

    def claim(self, setting: Setting) -> str:
        """Return the claim, which several variants do not weaken: of a rejection of any, on any side tested."""
        return self.error_claim
