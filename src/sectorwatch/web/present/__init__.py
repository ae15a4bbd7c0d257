"""From what the rooms below know to what the API answers; functions of values, no I/O."""
