"""The page for support staff: server-rendered HTML that works without JavaScript.

Shows what the mirror holds and puts wishes into the outbox, both through the `Office` that `wiring` hands in; knows no
adapter, decides nothing and writes to no far side. Flask stays in here.
"""
