"""What several copies of the server share beside documents and keys: jobs, and the answers given lately."""
