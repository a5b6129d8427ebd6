"""Found losses against standard ones, paired by seed; may import `searches` and what is below."""
