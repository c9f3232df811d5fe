"""Signs in the rows of what a person should look at before anything is fitted."""
