"""The page on which people look at a finished report, and say what they think: ``OUT/review/index.html``.

Plain files that a browser opens from a share: no server, no network. Written from the report's tables and
pictures, so that it can always be made again.
"""
