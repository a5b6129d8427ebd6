"""What is judged, a promise each, and how; imports `exam`, `verdict`, `watched` and the core."""
