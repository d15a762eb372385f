"""What goes out on the wire: exact bytes, every status kept, nothing followed."""
