"""What happens to an item in the process that runs it.

Imports contract, store and values; knows neither engine nor executor.
"""
