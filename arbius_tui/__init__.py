"""arbius-tui: from a Cog model to a model registered on Arbius."""

__version__ = "0.1.0"
