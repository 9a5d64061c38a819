"""Group commit: commands that wait while one batch is written form the next; each is answered once it is durable."""
