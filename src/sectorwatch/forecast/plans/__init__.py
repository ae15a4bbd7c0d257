"""The plan-based count: every flight that is known now, carried forward through the sectors."""

from sectorwatch.forecast.plans.count import PlanCount, poisson_binomial
from sectorwatch.forecast.plans.counter import PlanCounter
from sectorwatch.forecast.plans.entry_outlook import EntryOutlook, entries_of
from sectorwatch.forecast.plans.learned import LearnedPlans
from sectorwatch.forecast.plans.learning import learn_plans
from sectorwatch.forecast.plans.navigation import Navigation, read_navigation

__all__ = [
    "EntryOutlook",
    "LearnedPlans",
    "Navigation",
    "PlanCount",
    "PlanCounter",
    "entries_of",
    "learn_plans",
    "poisson_binomial",
    "read_navigation",
]
