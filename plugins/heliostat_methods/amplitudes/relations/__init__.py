"""Named relations between amplitudes, each checked at points, exactly where the field is exact."""
