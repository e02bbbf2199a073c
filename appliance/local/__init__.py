"""Models that run on this machine: which there are, and the engines that run them."""
