"""Fig. 1 running: devices sense, extract and send, the edge recovers and keeps the twins. Needs the extra `[live]`.

`protocol` says what is said and when, without sockets or clocks; `simulation` drives it in virtual time. `store`, `bus`
and `radio` are what it stands on, `running` puts them together.
"""
