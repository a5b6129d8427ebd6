"""Found losses against standard ones, paired by seed; imports `searches`, `analysis`, below."""
