"""The lock compiler: catalogue/ -> a universe per Python -> the rows that a copy prints."""
