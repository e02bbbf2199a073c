"""What `gatehouse doctor` looks at: one function a check, one file a part of the machine."""
