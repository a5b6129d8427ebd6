"""What an architecture costs: counted, looked up in a table of latencies, measured, predicted.

Imports `spaces` and `supernet` of the method.
"""
