"""The method and its baselines behind scikit-learn's interface, one a file."""
