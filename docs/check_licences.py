"""Lists the licence of everything in a bill of materials, and ends with 1 where one is not known to be free.

    python docs/check_licences.py dist/blastoseg.cdx.json

The bill is CycloneDX JSON, as ``make release`` writes it. What stands in the package itself is listed
too, by the licence beside it (``uPlot-LICENSE.txt``).
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

PERMISSIVE = re.compile(
    r"Apache|\bMIT\b|\bBSD\b|\bISC\b|\bPSF|Python-2\.0|Python Software Foundation|HPND|MIT-CMU|Zlib|0BSD|CC0"
    r"|Unlicense|Mozilla|MPL",
    re.IGNORECASE,
)
RESTRICTIVE = re.compile(r"\bA?GPL|General Public License|proprietary|non-?commercial", re.IGNORECASE)


def licences_of(component: dict[str, Any]) -> list[str]:
    """Identifiers, names or expressions of a component's licences, as its package declares them."""
    found = []
    for choice in component.get("licenses", []):
        licence = choice.get("license", {})
        found.append(choice.get("expression") or licence.get("id") or licence.get("name") or "")
    return sorted({name for name in found if name and not name.startswith("declared license of")})


def carried() -> list[dict[str, Any]]:
    """What others wrote and the package carries, as components of a bill: a licence's first line names it."""
    files = sorted((Path(__file__).parents[1] / "blastoseg").rglob("*-LICENSE.txt"))
    return [
        {
            "name": file.name.removesuffix("-LICENSE.txt"),
            "version": "in the package",
            "licenses": [{"license": {"name": file.read_text("utf-8").partition("\n")[0].strip()}}],
        }
        for file in files
    ]


def is_free(licences: list[str]) -> bool:
    """Whether a lab may use it freely: something permissive is declared, and nothing that restricts."""
    text = " ".join(licences)
    return bool(PERMISSIVE.search(text)) and not RESTRICTIVE.search(text)


def main(bill: Path) -> int:
    """Print a line a component; 1 where any is not known to be free."""
    installed = json.loads(bill.read_text("utf-8")).get("components", [])
    components = [*installed, *carried()]
    doubtful = [component for component in components if not is_free(licences_of(component))]
    for component in components:
        licences = ", ".join(licences_of(component)) or "declares none"
        print(f"{component['name']} {component.get('version', '')}: {licences[:100]}")
    for component in doubtful:
        print(f"look at the licence of {component['name']} before a release", file=sys.stderr)
    return 1 if doubtful or not installed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
