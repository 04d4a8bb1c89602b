"""The one place that knows every adapter, and puts the programs together.

A module a program, so that each imports no more than it needs.
"""
