"""New faces, and what covers a face where none can be drawn."""
