"""The protocol of device and edge as pure state machines: an event and the time in; messages, timers, writes out."""
