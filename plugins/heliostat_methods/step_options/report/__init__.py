"""What is shown of a run, as a page and in a terminal; nothing that makes results imports it.

Imports the names of units from `book` alone.
"""
