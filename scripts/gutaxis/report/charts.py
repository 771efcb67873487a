"""What the report's new charts share: short numbers, the choice of what is shown, one colour per response."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import BLUE, GREY, VERMILION

#: Marks whose data one chart carries at most: the page has to open on any computer.
MAX_MARKS = 3000
#: Width of the charts in pixels.
WIDTH = 560
#: Missing response of a patient: it is no non-response.
UNKNOWN = "response not known"
RESPONSES = {"R": ("responders", BLUE), "NR": ("non-responders", VERMILION), "NA": (UNKNOWN, GREY)}
TIMES = ("PRE", "POST")


def rounded(*, rows: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    """Return a table whose broken numbers have few significant digits.

    Parameters
    ----------
    rows
        Any table.
    digits
        Significant digits; missing stays missing.
    """
    found = rows.copy()
    for column in found.columns:
        if pd.api.types.is_float_dtype(found[column]):
            found[column] = [float(f"{value:.{digits}g}") for value in found[column].astype(float)]
    return found


def dropdown(*, name: str, words: str, options: Sequence[str]) -> alt.Parameter | None:
    """Return a choice of one of the options, the first at the start; None where there is nothing to choose.

    Parameters
    ----------
    name
        Name in the specification.
    words
        What the reader chooses, such as ``Contrast``.
    options
        The choices as they are shown.
    """
    if len(options) < 2:
        return None
    return alt.param(name=name, value=options[0], bind=alt.binding_select(options=list(options), name=f"{words}: "))


def chosen_rows(*, chart: alt.Chart, column: str, choice: alt.Parameter | None) -> alt.Chart:
    """Show only the rows of the choice."""
    return chart if choice is None else chart.transform_filter(alt.datum[column] == choice)


def with_choice(*, chart: alt.TopLevelMixin, choice: alt.Parameter | None) -> alt.TopLevelMixin:
    """Give a chart its choice."""
    return chart if choice is None else chart.add_params(choice)


def response_words(*, values: pd.Series) -> pd.Series:
    """Return R, NR or missing in words."""
    return values.map({key: words for key, (words, _) in RESPONSES.items()}).fillna(UNKNOWN).astype(object)


def response_scale(*, seen: Sequence[str]) -> alt.Scale:
    """Return the colours of the responses that occur, in their order."""
    used = [(words, color) for words, color in RESPONSES.values() if words in set(seen)]
    return alt.Scale(domain=[words for words, _ in used], range=[color for _, color in used])


def unique_labels(*, rows: pd.DataFrame) -> pd.Series:
    """Return the label of each feature; where several features share one, the feature's own name is added.

    Parameters
    ----------
    rows
        feature and label, one row per feature.
    """
    labels = rows["label"].where(rows["label"].notna(), rows["feature"]).astype(str)
    twice = labels.duplicated(keep=False)
    return labels.where(~twice, labels + " (" + rows["feature"].astype(str) + ")")
