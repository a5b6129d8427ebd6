"""What operators make of observables, in three ways. Imports `operators` and `currents`."""
