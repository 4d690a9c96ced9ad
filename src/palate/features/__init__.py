"""What is known at a moment: each feature declares its writes and its reads together."""
