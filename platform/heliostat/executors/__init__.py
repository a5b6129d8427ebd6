"""Where tasks run: in this process, in virtual time, or on Ray.

Imports plugins, engine and everything below.
"""
