"""Everything impure around `bide`: transports, the emulator, the command. Import the module you need."""
