"""What is built in the kernel once all have agreed."""
