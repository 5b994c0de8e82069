"""A network on a picture as one interactive HTML file: what is embedded, and the scripts and styles that show it."""
