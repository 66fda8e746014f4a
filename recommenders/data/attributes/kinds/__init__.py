"""One file a kind of attribute, named after it; found by name, so that a new file needs no edit anywhere else."""
