"""Files that come over HTTP to be imported: stored for a while, looked through, imported by a process of their own."""
