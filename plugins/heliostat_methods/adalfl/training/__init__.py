"""Trainings in which the loss adapts, or does not: one at a time or stacked; offline beginnings."""
