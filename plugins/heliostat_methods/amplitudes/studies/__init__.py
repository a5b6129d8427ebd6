"""What a run does beside proofs: floats in batches, cost, reconstruction, searches, figures."""
