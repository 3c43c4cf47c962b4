"""The load: its parts alone, and whole runs of it at real servers and at hostile ones."""
