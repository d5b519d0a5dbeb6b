"""What is behind the pytest fixture `cassette`; `bide_transports.testing.fixtures` is the public face of it."""
