"""The demo: a shortcut is planted in real data, and found."""

from whyset.cli.demo.command import demo

__all__ = ["EXAMPLE", "demo"]

EXAMPLE = "whyset demo --no-view --out /tmp/demo"
