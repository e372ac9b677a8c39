"""A run over the machines of a Ray cluster; the ledger and all files stay with the run itself."""
