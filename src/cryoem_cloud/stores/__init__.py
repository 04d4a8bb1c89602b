"""Adapters to where bytes live, and the protocol that our programs speak over any of them."""
