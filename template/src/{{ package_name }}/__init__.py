"""A machine-learning system that trains, gates, registers, serves, monitors and rolls back."""
