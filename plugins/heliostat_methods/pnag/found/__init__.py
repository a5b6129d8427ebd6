"""What a run leaves: its best networks, chosen by a budget, trained further, taken elsewhere."""
