"""The viewer without a server: as one HTML file, and as a widget in a notebook."""
