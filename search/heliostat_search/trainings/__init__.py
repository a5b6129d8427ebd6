"""Trainings compared: which rate and how many steps, over which seeds, what may be said.

`rates`: learning rates tried as multiples of one, grids that grow, early stopping.

May import `statistics`; knows neither what is trained nor how.
"""
