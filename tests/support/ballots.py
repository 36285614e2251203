"""Elections drawn at random."""


def random_profile(rng):
    """Draw 2 to 6 candidates, 1 to 8 ballots with ties, some of them incomplete, and the voters of each."""
    candidates = [str(name) for name in range(rng.randint(2, 6))]
    tiers, voters = rng.choice([1, 3, 6]), rng.randint(1, 12)
    ballots = []
    for _ in range(rng.randint(1, 8)):
        named = rng.sample(candidates, rng.choice([rng.randint(0, len(candidates)), *[len(candidates)] * 2]))
        place = {name: rng.randrange(tiers) for name in named}
        levels = [[name for name in named if place[name] == level] for level in range(tiers)]
        ballots.append([level for level in levels if level])
    return candidates, ballots, [rng.randint(1, voters) for _ in ballots]
