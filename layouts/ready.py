"""Get a server ready for its first visitor: ``panel serve --setup layouts/ready.py``, as ``expsim serve`` does.

Imports and the first study take seconds. A thread does them while the server starts to listen; a visitor who comes
earlier is served as well, only more slowly.
"""

from __future__ import annotations

import logging
import threading
from importlib import import_module


def get_ready() -> None:
    """Import the app and compute the study that it opens with."""
    try:
        import_module("expsim_panel.layouts.app")
        from expsim_panel.layouts.bandit_session import OPENING
        from expsim_panel.layouts.opening import SHELF
        from expsim_panel.layouts.session import Session

        SHELF.prepare(Session().study.freeze()).result()
        OPENING.prepare().result()
    except Exception as error:
        # Pools refuse work once the server ends, and then nobody waits for an opening.
        if isinstance(error, RuntimeError) and "cannot schedule new futures" in str(error):
            return
        # Every visitor can still start from nothing; what is wrong then shows on the page.
        logging.getLogger(__name__).exception("the opening study could not be prepared")


if __name__ != "expsim_panel.layouts.ready":
    # Panel runs this file under a name of its own; whoever imports it as a module of the package has no server.
    threading.Thread(target=get_ready, name="expsim-ready", daemon=True).start()
