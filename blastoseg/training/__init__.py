"""Training of the networks: data, augmentation, loss, metrics, recipes. Needs the extra ``train``."""
