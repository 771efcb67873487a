"""Settings of feature detection by kind of instrument. Every number may be overruled from the config."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from gutaxis.errors import GutaxisError


@dataclass(frozen=True)
class Preset:
    """How features are found, aligned, linked and integrated.

    Parameters
    ----------
    name
        orbitrap or tof.
    trace_ppm
        Width in m/z of one ion's trace through the scans of a file.
    noise
        Intensity below which a point is noise, in the instrument's unit. The one number that differs most between
        instruments and labs: look at a blank's trace in the intake figure before you trust a default.
    snr
        A trace's apex over ``noise``, and a chromatographic peak over the noise of its trace.
    fwhm_s, min_fwhm_s, max_fwhm_s
        Expected and allowed width of a chromatographic peak at half height, seconds.
    min_trace_s
        Shortest trace, seconds.
    max_charge
        Highest charge for which isotopes are looked for; metabolites are singly or doubly charged.
    align_rt_s
        Largest shift in retention time between a file and the reference, seconds.
    link_ppm, link_rt_s
        Two features of two files are one when nearer than this, after alignment.
    forced_ppm
        Half width in m/z of forced integration.
    panel_ppm
        How near a feature must be to an adduct of a panel compound to be kept whatever its detection rate.
    """

    name: str
    trace_ppm: float
    noise: float
    snr: float
    fwhm_s: float
    min_fwhm_s: float
    max_fwhm_s: float
    min_trace_s: float
    max_charge: int
    align_rt_s: float
    link_ppm: float
    link_rt_s: float
    forced_ppm: float
    panel_ppm: float


PRESETS = {
    "orbitrap": Preset(
        name="orbitrap",
        trace_ppm=10.0,
        noise=1e4,
        snr=3.0,
        fwhm_s=5.0,
        min_fwhm_s=1.0,
        max_fwhm_s=60.0,
        min_trace_s=3.0,
        max_charge=2,
        align_rt_s=30.0,
        link_ppm=8.0,
        link_rt_s=6.0,
        forced_ppm=6.0,
        panel_ppm=5.0,
    ),
    "tof": Preset(
        name="tof",
        trace_ppm=20.0,
        noise=50.0,
        snr=3.0,
        fwhm_s=5.0,
        min_fwhm_s=1.0,
        max_fwhm_s=60.0,
        min_trace_s=3.0,
        max_charge=2,
        align_rt_s=30.0,
        link_ppm=20.0,
        link_rt_s=8.0,
        forced_ppm=20.0,
        panel_ppm=15.0,
    ),
}


def preset_of(*, instrument: str, overrides: Mapping[str, float] | None = None) -> Preset:
    """Return the settings of an instrument with the user's own numbers put in.

    Raises
    ------
    GutaxisError
        If there is no such instrument or setting, or a number is not above 0.
    """
    if instrument not in PRESETS:
        raise GutaxisError(f"unknown instrument {instrument!r}: allowed are {', '.join(PRESETS)}")
    changes = dict(overrides or {})
    known = {field.name for field in fields(Preset)} - {"name"}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise GutaxisError(
            f"unknown setting {', '.join(unknown)} of {instrument}: allowed are {', '.join(sorted(known))}"
        )
    bad = sorted(name for name, value in changes.items() if not value > 0)
    if bad:
        raise GutaxisError(f"setting {', '.join(bad)} of {instrument} has to be above 0")
    # OpenMS refuses a whole number where it expects a real one
    typed = {name: int(value) if name == "max_charge" else float(value) for name, value in changes.items()}
    return replace(PRESETS[instrument], **typed)  # type: ignore[arg-type]
