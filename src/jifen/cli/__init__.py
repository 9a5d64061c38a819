"""The `jifen` command. It only translates: options into calls of the services, their results into text or JSON."""
