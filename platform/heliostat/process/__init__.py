"""What strangers' code may not change of the process, and what it may not write where data go.

Imports errors and terminal.
"""
