"""Playing a cassette to the real adapters, in its own time: no socket, no thread, no way to the network."""
