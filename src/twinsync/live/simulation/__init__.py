"""A whole cell in virtual time: edge, devices, radio, network, store, and what goes wrong with each."""
