"""What run.py calls besides the package: the lock and the audit of the packages."""
