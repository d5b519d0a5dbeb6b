"""For the tests of whoever builds on bide: `bide_transports.testing.conformance` tries a dialect out."""
