"""Runs side by side: in what they differ, how the same people fared, how alike their constitutions are."""
