"""Variants trained alike, tuned alike and paired by seed: what is compared and concluded."""
