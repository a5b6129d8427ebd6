"""Berends-Giele currents of every theory, and the amplitudes that they end in."""
