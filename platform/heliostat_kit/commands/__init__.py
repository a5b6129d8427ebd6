"""The verbs `heliostat plugins check` and `new`; imports every room of the kit and the core."""
