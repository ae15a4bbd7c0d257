"""The plan-based count: every flight that is known now, carried forward through the sectors."""

from sectorwatch.forecast.plans.count import PlanCount, poisson_binomial
from sectorwatch.forecast.plans.counter import EntryOutlook, PlanCounter
from sectorwatch.forecast.plans.learned import LearnedPlans

__all__ = [
    "EntryOutlook",
    "LearnedPlans",
    "PlanCount",
    "PlanCounter",
    "poisson_binomial",
]
