"""What a plugin has to keep to, as rules that say what was seen and how to mend it.

`heliostat.testing.MethodContract` holds a method to them in pytest, `heliostat plugins check` on
the command line.
"""
