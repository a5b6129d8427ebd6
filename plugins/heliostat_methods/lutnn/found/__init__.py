"""What a run leaves: its networks, as models that other methods train or use."""
