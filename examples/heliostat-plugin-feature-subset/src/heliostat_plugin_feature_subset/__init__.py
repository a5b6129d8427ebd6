"""Choosing features of tabular data by a genetic search, as a method of Heliostat."""
