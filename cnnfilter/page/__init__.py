"""A network on a picture as one interactive HTML file, whose scripts and styles lie beside what fills them."""
