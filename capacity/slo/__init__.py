"""Service level objectives: what they are measured by, how they are kept, how their budgets burn, and when they break.

`sli` makes an indicator of an objective and what was measured of it; everything else is asked of that.
"""

from capacity.openslo import OpenSLO, read_openslo, write_openslo
from capacity.slo.buckets import Quantile, histogram_quantile, past_target
from capacity.slo.budgets import Budget, budget, burn
from capacity.slo.contributions import Drivers, drivers
from capacity.slo.counters import increments
from capacity.slo.firing import Burn, Condition, burned, conditions, factor, time_to_exhaustion
from capacity.slo.headroom import Relation
from capacity.slo.indicator import Sli, sli
from capacity.slo.knees import Saturation, saturate, saturation
from capacity.slo.projecting import SPANS, Projection, projection
from capacity.slo.promises import STATUSES, Status, compliance, status_text
from capacity.slo.queueing import Usl, erlang_c, usl
from capacity.slo.reviewing import Review, Reviewed, failing, narrowed, review
from capacity.slo.spending import Exhaustion, exhaustion
from capacity.slo.telling import SIGNS, review_rows
from capacity.slo.windows import Span, span

__all__ = [
    "SIGNS",
    "SPANS",
    "STATUSES",
    "Budget",
    "Burn",
    "Condition",
    "Drivers",
    "Exhaustion",
    "OpenSLO",
    "Projection",
    "Quantile",
    "Relation",
    "Review",
    "Reviewed",
    "Saturation",
    "Sli",
    "Span",
    "Status",
    "Usl",
    "budget",
    "burn",
    "burned",
    "compliance",
    "conditions",
    "drivers",
    "erlang_c",
    "exhaustion",
    "factor",
    "failing",
    "histogram_quantile",
    "increments",
    "narrowed",
    "past_target",
    "projection",
    "read_openslo",
    "review",
    "review_rows",
    "saturate",
    "saturation",
    "sli",
    "span",
    "status_text",
    "time_to_exhaustion",
    "usl",
    "write_openslo",
]
