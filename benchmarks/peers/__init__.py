"""Scripts that run a peer on the benchmark's input, in the peer's own environment."""
