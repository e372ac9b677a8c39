"""How far a training is, for whoever shows it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingState:
    """One network's training after a step.

    ``share`` is what is done of it, by steps or by the minutes allowed (0 to 1); ``loss`` the last step's;
    ``validation`` has each source's last loss and mean Jaccard (NaN for a locator). NaN is not known yet.
    """

    step: int
    total_steps: int
    share: float
    seconds_left: float
    loss: float
    validation: Mapping[str, tuple[float, ...]]
    is_validated: bool = False

    @property
    def scores(self) -> str:
        """The validation in words; empty before the first."""
        words = []
        for name, (loss, jaccard) in self.validation.items():
            of = f" on {name}" if len(self.validation) > 1 else ""
            score = "" if math.isnan(jaccard) else f", mean Jaccard {jaccard:.1%}"
            words.append(f"validation{of} {loss:.3f}{score}")
        return ", ".join(words)

    @property
    def time_left(self) -> str:
        """The time left in words; empty where it is not known."""
        if math.isnan(self.seconds_left):
            return ""
        minutes = round(self.seconds_left / 60)
        return f"{minutes // 60} h {minutes % 60:02} min left" if minutes >= 60 else f"{minutes} min left"

    def in_words(self) -> str:
        """All of it in one line."""
        words = [f"step {self.step:,} of {self.total_steps:,}: loss {self.loss:.3f}"]
        return ", ".join([*words, *filter(None, (self.scores, self.time_left))])
