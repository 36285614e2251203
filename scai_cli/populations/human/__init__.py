"""What real people said and rated, from files: the other side of every comparison of simulated users with people."""
