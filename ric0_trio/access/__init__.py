"""Who may join: the answer to a session's `Admit`, from rules that a store keeps (docs/access.md)."""
