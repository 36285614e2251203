"""The built-in dialogues, one file each; `simulation/dialogue.py` says what a dialogue is."""
