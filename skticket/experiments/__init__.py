"""The experiments of the paper, each by a protocol that has a name."""
