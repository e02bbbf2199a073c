"""Files that come with requests: read, judged and cleaned in processes that can do nothing else."""
