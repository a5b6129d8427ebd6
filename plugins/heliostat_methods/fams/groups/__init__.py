"""Who is in which subgroup: columns crossed, bands, small groups merged. Imports errors alone."""
