"""One training: its rows, the two levels, how it is measured. Imports what stands below."""
