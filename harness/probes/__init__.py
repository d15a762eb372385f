"""Look at something live and report what was seen. What asks is handed in; nothing here opens a socket."""
