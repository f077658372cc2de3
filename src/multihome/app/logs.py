"""The control plane's own log: a JSON object a line, rotated."""

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_FILE = "server.log"
LOG_BYTES_MAX = 8 * 1024 * 1024
LOG_FILES_KEPT = 3


class _JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to(state: Path) -> None:
    """Send all of this process's log to the state directory."""
    handler = RotatingFileHandler(
        state / LOG_FILE, maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES_KEPT, encoding="utf-8"
    )
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
