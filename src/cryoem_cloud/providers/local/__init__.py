"""Machines that are processes of this computer."""
