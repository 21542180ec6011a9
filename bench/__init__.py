"""What is measured: one module for each figure, all beside a yardstick, in turns. `make bench` runs them."""
