"""Arithmetic with the same bits everywhere: compiled code, exp and log, normals, quadrature.

Imports no other room.
"""
