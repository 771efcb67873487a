"""How a figure's specification stands in its page; apart from the drawing, whose libraries a plan can spare."""

import json
import re
from pathlib import Path
from typing import Any

#: What stands before the specification in a figure's page.
SPEC_OPEN = '<script type="application/json" id="figure-spec">'


def read_spec(*, html: Path | str) -> dict[str, Any]:
    """Return the Vega-Lite specification that a page of :func:`save_figure` shows.

    Parameters
    ----------
    html
        A page of :func:`save_figure`.

    Raises
    ------
    ValueError
        If the file is no such page.
    """
    found = re.search(f"{re.escape(SPEC_OPEN)}(.*?)</script>", Path(html).read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"{html} holds no figure of this workflow")
    return json.loads(found[1])


def script_json(*, value: Any) -> str:
    """Return JSON for the inside of a script element: the three signs that could end it early become codes."""
    text = json.dumps(value, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
