"""The embedded PostgreSQL: `use` it for the duration of a `with`, `claim_serving` the data folder for one `serve`."""

from __future__ import annotations

from jifen.db.embedded.layout import default_data_folder
from jifen.db.embedded.session import EmbeddedAddress, claim_serving, use

__all__ = ["EmbeddedAddress", "claim_serving", "default_data_folder", "use"]
