"""What is shown of a comparison: sentences, tables and pictures."""
