"""The constitution at work, at scale: one row a task, with critiques, revisions, ratings and judgements."""
