"""Who may join: the answer to a session's `Admit`."""
