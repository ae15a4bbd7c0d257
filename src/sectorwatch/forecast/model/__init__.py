"""The model: boosted trees over the plan-based count and history, with intervals that hold."""
