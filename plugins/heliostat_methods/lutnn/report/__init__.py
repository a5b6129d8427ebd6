"""What is shown of a comparison: sentences, pictures and tables."""
