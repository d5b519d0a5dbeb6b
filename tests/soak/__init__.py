"""Two hundred jobs at a time through faults, for as long as one likes: what is lost, paid twice, or grows."""
