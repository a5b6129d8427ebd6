"""Keys, order, journal and replay: what a search meets when it uses `run`.

Imports worker, contract, store and values; knows no executor but the contract of one, no plugin.
"""
