"""Documents: read, screened, and brought into the folder."""
