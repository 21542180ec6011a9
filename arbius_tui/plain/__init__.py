"""The same steps as lines of text, as prompts, and as JSON."""
