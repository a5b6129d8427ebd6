"""Exact rational numbers and functions from samples modulo primes."""
