"""How fast this machine works: a run, and training."""
