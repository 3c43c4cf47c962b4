"""The admin listener: metrics, health and connections over HTTP, for the operator. Needs the extra `admin`."""

from ric0_trio.admin.endpoints import make_admin_app
from ric0_trio.admin.serving import serve_admin

__all__ = ["make_admin_app", "serve_admin"]
