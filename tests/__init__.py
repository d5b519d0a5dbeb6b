"""All tests; a package of its own, since a server that they start installs another one of this name."""
