"""What there is to train on, streamed out of runs and generated sets: read, paired, filtered, split, described."""
