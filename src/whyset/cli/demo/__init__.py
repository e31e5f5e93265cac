"""The demo: a true story about a shortcut that was planted in real data, and found."""

from whyset.cli.demo.command import demo

__all__ = ["EXAMPLE", "demo"]

EXAMPLE = "whyset demo --no-view --out /tmp/demo"
