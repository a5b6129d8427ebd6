"""Diagrams drawn as SVG."""
