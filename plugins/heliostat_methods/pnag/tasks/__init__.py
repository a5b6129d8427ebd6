"""What runs on a worker, and what it is handed and hands back.

What is constant for a run (images, weights, a table of results) is shared and named by a handle.
"""
