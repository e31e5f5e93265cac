"""Print the description of the API: `python -m whyset.viewer.openapi > openapi.json`."""

import json

from whyset.viewer.app import create_app


def describe_api() -> str:
    """Get OpenAPI as JSON with sorted keys, the same on every machine; the browser's types are generated from it."""
    description = create_app([], token="described").openapi()
    return json.dumps(description, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(describe_api(), end="")
