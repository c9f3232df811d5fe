"""The lock compiler: catalogue.yml -> one universe per Python minor -> the rows that a copy prints."""
