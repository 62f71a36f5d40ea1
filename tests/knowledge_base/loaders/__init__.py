"""Each loader reads small files made here by the format's own library."""
