"""What pyproject.toml cannot say: models and recipes travel inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["blastoseg", "blastoseg.*"]),
        "blastoseg.bundled_weights",
        "blastoseg.bundled_recipes",
    ],
    package_dir={"blastoseg.bundled_weights": "weights", "blastoseg.bundled_recipes": "train"},
    package_data={
        "blastoseg": ["py.typed"],
        "blastoseg.report.review": ["static/*"],
        "blastoseg.run.reviewing": ["entrance/*"],
        "blastoseg.bundled_weights": ["*/card.toml", "*/*.safetensors"],
        "blastoseg.bundled_recipes": ["*.toml"],
    },
)
