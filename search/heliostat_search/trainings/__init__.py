"""Trainings compared: which rate and how many steps, over which seeds, what may be said.

`rates`: learning rates tried as multiples of one, grids that grow, early stopping.
`choosing`: the best rate of each contestant in each way.
`lines`: contestants over paired seeds, and their differences from the first.
`paired_seeds`: intervals and paired tests over seeds and splits where some trainings exploded.
`measures`: errors of raw outputs and their standard errors; what each kind of task is measured by.
`labels`: targets as the rows that outputs are measured against.
`trivial`: what knows nothing of the inputs, and when a training has exploded.
`verdict`: better, worse, or neither, where some explode or a best rate lies at an edge.
`numbers`, `wording`: numbers with intervals and sentences, as terminal and report have them.
`sentence`: what is said of contestants against the first.
`pictures`, `tables`, `sections`: what a report shows of trainings compared; `progress`: so far.

May import `statistics`; knows neither what is trained nor how.
"""
