"""Amplitudes of definite helicities in four dimensions, by recursion and in closed form."""
