"""`scai view`: local pages about the runs of a folder."""
