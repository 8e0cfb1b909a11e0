"""The emulated radio: a device's bits leave at the rate of eq. (11), or at the user's own."""
