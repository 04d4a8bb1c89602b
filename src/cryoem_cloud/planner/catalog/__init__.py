"""Machine types and what things cost: tables with a date in the package, and who reads them.

SOURCES.md says of each figure where it comes from, and which are estimates.
"""
