"""Engines that sample, cut into shards: independent paths and their Greeks, Sobol, levels, chains.

Imports `paths`, `weights`, `closed_form`, `contracts` and `arithmetic`.
"""
