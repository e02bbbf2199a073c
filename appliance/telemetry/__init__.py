"""What the appliance says of itself: the log and the metrics."""
