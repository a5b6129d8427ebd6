"""`heliostat ui`: a local page that shows runs and changes none (extra `ui`).

Imports report (what it draws), executors.ray through a process of its own, and what lies below.
"""
