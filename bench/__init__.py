"""What is measured: one module for each figure, all beside the bare Textual app, in turns. `make bench` runs them."""
