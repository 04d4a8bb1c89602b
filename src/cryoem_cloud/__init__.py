"""Run cryo-EM jobs on other machines as if they had run here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
