"""What a failed call cost when no bill came with it: nothing, where that is certain.

- Nobody has seen the request.
- The server turned it away before a model read it: a status of 400 to 499, timeouts apart.
- OpenRouter itself says that it failed. It charges neither for an error nor for a reply that ends
  with one, also when the vendor behind it does (openrouter.ai/docs, "Zero Completion Insurance",
  2026-11).

All else is unknown: other providers publish no such rule for their 5xx, and a stream that broke, a
call that took too long or was cancelled, and a gateway's page say nothing about what was done.
Not covered: what a vendor charges a key of yours that OpenRouter uses.
"""

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.ref import ModelRef

_TIMEOUTS = (408, 499)


def costs_nothing(fault: Fault, ref: ModelRef) -> bool:
    """Whether it is certain that nobody charges for this failed call."""
    status = fault.status_code or 0
    turned_away = 400 <= status < 500 and status not in _TIMEOUTS
    insured = ref.provider == "openrouter" and fault.reported
    return fault.unsent or turned_away or insured
