"""Live observers. Each looks at one thing while the services run, and appends what it saw to the record."""
