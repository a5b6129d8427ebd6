"""A run's folder: journal, artifacts, lock, exports. Nothing in it is ever unpickled."""
