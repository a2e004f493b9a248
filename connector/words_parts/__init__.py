"""The words for the user, one module per area: error code -> (what happened, what to do). Read by `connector/words.py`."""
