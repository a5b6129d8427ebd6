"""Estimators tuned alike and compared over seeds: what is posed, measured and concluded."""
