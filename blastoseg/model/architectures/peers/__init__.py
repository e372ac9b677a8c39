"""The networks that the I2CNet paper's Table 2 holds I2CNet against, each in two widths."""
