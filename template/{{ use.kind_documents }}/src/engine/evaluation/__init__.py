"""From documents to a measured index: built, held against questions, and never past a gate."""
