"""The parts of a cassette's picture: text in, SVG and HTML out, with no script and nothing from elsewhere."""
