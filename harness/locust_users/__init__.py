"""What runs inside Locust's processes, and nowhere else: it may import locust; nothing of the house imports it.

A reader's own locustfile takes its users from here: `from harness.locust_users import next_user`.
"""

from harness.locust_users.own import next_user

__all__ = ["next_user"]
