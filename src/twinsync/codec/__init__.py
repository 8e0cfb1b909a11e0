"""The semantic codec of Fig. 1: a device codes what it senses against the twin that the edge holds.

`camera` has both ends; the parts below it go from the stream's header (`container`) to the arithmetic (`range_coder`,
`transform`).
"""
