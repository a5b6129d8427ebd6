"""What is shown of a run, in a terminal and as a report. It makes no result."""
