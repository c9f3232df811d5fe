"""What builds the template. Its output is committed, so nobody needs it to copy the template."""
