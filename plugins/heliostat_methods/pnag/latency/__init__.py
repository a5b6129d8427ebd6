"""The method `latency`: block latencies measured on this machine, a run that others name as input.

Imports `cost`, `supernet` and `spaces` of the method.
"""
