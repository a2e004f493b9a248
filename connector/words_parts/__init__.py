"""The words for the user, one module per area: code -> (what happened, what to do). `connector.words` reads it."""
