"""Child processes: started, watched, limited and talked to."""
