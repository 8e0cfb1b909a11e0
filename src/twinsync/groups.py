"""Names of the dimensionless groups that policies may be told; natural logarithms of these enter the network."""

PHYSICAL = (
    "signal-to-noise ratio at full power",
    "slots to send the raw data at 1 bit/s/Hz over an equal share of the bandwidth",
    "slots to process the raw data once at the UD's full speed",
    "slots to process the raw data once with an equal share of the edge CPU",
    "energy to process the raw data once at full speed, over the budget",
    "energy to transmit for a slot at full power, over the budget",
    "least extraction factor",
)
