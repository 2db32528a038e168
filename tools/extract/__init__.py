"""Text out of files of every format. What may be hostile is read in a child process with limits."""
