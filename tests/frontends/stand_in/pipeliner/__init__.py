"""Stands in for ccpem-pipeliner 1.6.1: the names that our scripts take from it, and their ways.

A job's commands stand in `commands.json` beside its job.star. tests/acceptance has the real one.
"""

__version__ = "1.6.1"
