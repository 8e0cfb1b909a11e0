"""The protocol's state machines with real sockets, clocks, codec and store around them; one process each."""
