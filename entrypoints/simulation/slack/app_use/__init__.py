"""Elements, choices and forms, and what the app answers to their use."""
