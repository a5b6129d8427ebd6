"""What a plugin has to keep to, as rules that say what was seen and how to mend it; and new ones.

`heliostat.testing.MethodContract` holds a method to them in pytest, `heliostat plugins check` on
the command line. Imports any room of the core and no method. Inside imports only go down:
`commands`, `rules` and `scaffold`, `exam`, then `verdict` and `watched`.
"""

from heliostat.worker.instructions import hold_early

hold_early()  # items of a run are evaluated again in this process, at the run's level
