"""What a downstream can do to a batch: one fault a file.

A fault is `async def play(exchange, **options)`, called with a request that has arrived whole and has not been passed
on. One that is not about single requests has `begin(tee, rule)` and `end(tee)` instead.
"""
