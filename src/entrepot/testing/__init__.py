"""What tests need, ours and those of whoever builds on Entrepot: contract suites for drivers of their own."""
