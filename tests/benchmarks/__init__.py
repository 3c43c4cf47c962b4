"""The comparison with other servers: its parts alone, and one visit to each peer."""
