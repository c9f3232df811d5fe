"""What a browser may open: a form, the description of the interface, and reports."""
