"""Pure readings of the record: one risk per file, none knows another."""
