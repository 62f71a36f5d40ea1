"""What people and programs touch: answering, the page, the command line, settings."""
