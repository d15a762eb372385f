"""The file that `locust -f` gets for items mode."""

from harness.locust_users import setting
from harness.locust_users.users import ItemsUser

setting.DESKS.append(ItemsUser)

__all__ = ["ItemsUser"]
