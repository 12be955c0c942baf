"""``ganonymize serve``: a page and an API on this machine. Only the command line imports it."""
