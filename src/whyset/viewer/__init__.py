"""The viewer: a read-only web server over runs, and the page that it serves."""

from whyset.viewer.app import create_app
from whyset.viewer.serve import Server, view

__all__ = ["Server", "create_app", "view"]
