"""What is judged, a promise each, and how; imports `trials`, `verdict`, `watched` and the core."""
