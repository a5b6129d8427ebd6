"""Losses that are networks of an output and its label; take torch, import no other room."""
