"""What a plugin has to keep to, as rules that say what was seen and how to mend it; and new ones.

`heliostat.testing.MethodContract` holds a method to them in pytest, `heliostat plugins check` on
the command line. Imports any room of the core and no method. Inside imports only go down:
`commands`, `rules` and `scaffold`, `exam`, then `verdict` and `watched`.
"""
