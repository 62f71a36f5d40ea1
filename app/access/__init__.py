"""Who may do what: users, keys, roles, and how a request shows whose it is."""
