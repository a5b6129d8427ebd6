"""The base model on one data set: tuned with, filtered by, trained; may import `population`."""
