"""What is shown of a run: its terminal, its report, and what of it fits a budget."""
