"""How a message counts things: "1 embryo", "1,204 frames"."""


def counted(count: int, noun: str) -> str:
    """A number with its noun, given in the singular; "embryo or patient" takes an s on either."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} " + " or ".join(f"{word}s" for word in noun.split(" or "))
