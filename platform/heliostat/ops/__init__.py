"""Machines: what could keep a run from working here, and cluster files checked.

Imports executors, store and everything below.
"""
