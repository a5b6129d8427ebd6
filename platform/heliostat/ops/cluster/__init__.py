"""Clusters started by Ray's launcher: is a cluster file usable, and how runs come back from one."""
