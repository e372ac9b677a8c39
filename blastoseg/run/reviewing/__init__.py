"""``blastoseg review``: the page served on this machine alone, where labels can be corrected.

The one place that listens to a network: the loopback, 127.0.0.1.
"""
