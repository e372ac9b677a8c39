"""What pyproject.toml cannot say: the models in ``weights/`` travel inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["blastoseg", "blastoseg.*"]), "blastoseg.bundled_weights"],
    package_dir={"blastoseg.bundled_weights": "weights"},
    package_data={"blastoseg.bundled_weights": ["*/card.toml", "*/*.safetensors"]},
)
