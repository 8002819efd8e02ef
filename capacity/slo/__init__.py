"""Service level objectives: what they are measured by, how they are kept, how their budgets burn, and when they break.

`sli` makes an indicator of an objective and what was measured of it; everything else is asked of that.
"""

from capacity.slo.buckets import Quantile, histogram_quantile, past_target
from capacity.slo.budget import Budget, budget, burn
from capacity.slo.burn import Burn, Condition, burned, conditions, factor, time_to_exhaustion
from capacity.slo.counters import increments
from capacity.slo.openslo import OpenSLO, read_openslo, write_openslo
from capacity.slo.sli import Sli, sli
from capacity.slo.windows import Span, span

__all__ = [
    "Budget",
    "Burn",
    "Condition",
    "OpenSLO",
    "Quantile",
    "Sli",
    "Span",
    "budget",
    "burn",
    "burned",
    "conditions",
    "factor",
    "histogram_quantile",
    "increments",
    "past_target",
    "read_openslo",
    "sli",
    "span",
    "time_to_exhaustion",
    "write_openslo",
]
