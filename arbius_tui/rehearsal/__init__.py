"""The embedded world: everything the journey needs, in this process and its children, without a network."""
