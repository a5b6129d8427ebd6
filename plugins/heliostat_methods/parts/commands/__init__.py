"""`heliostat data`. Imports what fetches data sets."""
