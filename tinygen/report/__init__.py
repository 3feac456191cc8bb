"""What a user sees: tables in the terminal and JSON for programs."""
