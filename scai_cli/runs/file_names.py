"""The names of the files that tell folders of work apart; nothing is imported here, so that shells complete fast."""

from typing import Final

CONFIG: Final = "config.yaml"
EVENTS: Final = "events.jsonl"
GENERATION: Final = "generation.yaml"
EVALUATION: Final = "evaluation.yaml"
ROWS: Final = "rows.jsonl"
CALIBRATION: Final = "calibration.yaml"
"""The mapping of ratings that an evaluation wrote."""
SWEEP: Final = "sweep.yaml"
LATEST: Final = "latest"
"""The name of the newest run on the command line; no run can have this id."""
