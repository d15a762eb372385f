"""The verdict where people read it: on the terminal, in a browser, in a file for machines."""
