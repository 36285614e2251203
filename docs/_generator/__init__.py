"""Write the pages of the reference, one module per page."""
