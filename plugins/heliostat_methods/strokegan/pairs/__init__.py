"""Characters in a source and a target font: which train, which are held out, which are pairs."""
