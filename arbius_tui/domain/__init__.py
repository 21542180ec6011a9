"""Facts and rules. Pure: no I/O, no clock, no Textual, no web3; imports only itself."""
