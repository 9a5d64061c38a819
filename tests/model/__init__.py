"""Random sequences of commands, side by side: an independent oracle, the pure core, and the engine on PostgreSQL."""
