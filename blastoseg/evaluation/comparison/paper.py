"""What the I2CNet paper (IJCAI 2022) prints in its Tables 1 and 2, percent."""

from blastoseg.evaluation.overlap import SCORES

TABLE_2_JACCARD = {
    "unet": 83.65,
    "blast-net": 83.74,
    "attention-unet": 84.05,
    "unet-plus-plus": 83.72,
    "deeplabv3-plus": 84.17,
    "unet3-plus": 83.70,
    "pranet": 84.04,
    "nnunet": 84.28,
    "setr": 83.12,
    "medt": 83.05,
    "transunet": 83.86,
    "swin-unet": 82.40,
    "i2cnet": 85.25,
}
ALL_SCORES = {
    "i2cnet": (94.14, 91.18, 92.32, 91.56, 85.25),
    "i2cnet-backbone": (91.67, 88.52, 89.09, 88.53, 80.28),
}
"""Accuracy, precision, recall, Dice, Jaccard of the rows that are known to us in full."""


def published(name: str, score: str) -> float:
    """A score of the paper as a fraction; NaN where it is not known to us."""
    if name in ALL_SCORES:
        return ALL_SCORES[name][SCORES.index(score)] / 100
    if score == "jaccard" and name in TABLE_2_JACCARD:
        return TABLE_2_JACCARD[name] / 100
    return float("nan")
