"""The lock compiler: catalogue.yml -> a universe per Python -> the rows that a copy prints."""
