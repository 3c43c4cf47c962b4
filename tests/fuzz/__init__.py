"""Coverage-guided fuzzing: plain functions of bytes that assert, and what runs them (`python -m tests.fuzz.run`)."""
