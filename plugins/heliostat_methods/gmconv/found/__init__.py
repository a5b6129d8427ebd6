"""What a run leaves: its networks, trained, as models that other methods train or use."""
