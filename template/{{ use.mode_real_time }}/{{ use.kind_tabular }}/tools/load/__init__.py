"""Load for the running server, and whether it keeps the budget of the contract."""
