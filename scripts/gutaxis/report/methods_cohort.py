"""Methods text: the cohort, and the clinical endpoints."""

from gutaxis.report.methods_batches import frozen_batches
from gutaxis.report.methods_facts import Facts, Section, listing, number

DEFINITIONS = {
    "confirmed_response": "complete or partial response that was confirmed",
    "unconfirmed_response": "complete or partial response, confirmed or not",
    "disease_control": "complete or partial response, or stable disease",
}
PFS2_EVENTS = {
    "first_after_ildr": "the first documented progression after ILDR",
    "second_after_ildr": "the second documented progression after ILDR",
}


def cohort(facts: Facts) -> Section:
    """Return who was analysed, and which samples there are."""
    run, visits = facts.run, facts.config["visits"]
    who = f"The analysis set holds {number(run['patients'], 'patient')}"
    if len(run["cohorts"]) > 1:
        who += f" ({listing(f'{name} {n}' for name, n in run['cohorts'].items())})"
    # sheets of finished tables may say neither assay nor material
    samples = [number(n, "sample" if kind == "ANY/ANY" else f"{kind} sample") for kind, n in run["samples"].items()]
    text = f"{who} with {listing(samples)}" if samples else who
    text += f" from {number(run['batches'], 'batch', 'batches')}." if samples else "."
    if run["controls"]:
        found = [f"{n} {kind}" for kind, n in run["controls"].items()]
        text += f" Controls ({listing(found)}) were processed alongside and never entered a comparison of patients."
    if any(run["pairs"].values()):
        first, last = visits["post_window_days"]
        pairs = listing(f"{number(n, 'pair')} of {kind}" for kind, n in run["pairs"].items() if n)
        text += (
            f" Samples were paired within patients and material: PRE at most {visits['baseline_window_days']} days"
            f" before ILDR, POST from day {first} to day {last} after it, the one nearest to day"
            f" {visits['post_target_day']} where there were several; this gave {pairs}."
        )
    limits = "The study has no control arm and no masking: every result is an association and none shows a cause."
    if any(run["pairs"].values()):
        limits += (
            " Samples of the two time points differ by treatment, by time and by whatever else happened between them."
        )
    if run["simulated"]:
        limits = f"**All data are simulated: no patient is behind any number of this run.** {limits}"
    return Section("Patients and samples", [text, limits, *frozen_batches(facts)])


def clinical(facts: Facts) -> Section:
    """Return how responder status and the endpoints were made, or that the response was given."""
    if not facts.run["recist"]:
        text = (
            "Responder status (R, NR) was taken as given in the patients sheet. A patient without it is missing (NA),"
            " never a non-responder."
        )
        return Section("Clinical outcomes", [text])
    settings, visits = facts.config["clinical"], facts.config["visits"]
    definition = DEFINITIONS[facts.config["response"]["definition"]]
    response = (
        "Responses were derived from lesion measurements by RECIST 1.1 [@eisenhauer_2009], with the readings of the"
        f" {'independent review' if settings['reader'] == 'IRC' else 'investigator'}. The baseline scan lay at most"
        f" {visits['baseline_window_days']} days before ILDR. A response counted as confirmed if a later scan, at least"
        f" {settings['confirmation_days']} days after, showed it again, with at most"
        f" {number(settings['max_ne_between'], 'scan')} between them that could not be evaluated; stable disease"
        f" counted from day {settings['sd_min_days']} after ILDR on. A responder (R) is a patient with {definition}."
        " A patient who cannot be evaluated is missing (NA), never a non-responder."
    )
    if settings["irecist"]:
        response += " Responses by iRECIST [@seymour_2017] are reported beside."
    rates = (
        "Response and disease control rates at 6, 12 and 24 weeks (visit window"
        f" {visits['visit_window_days']} days) have exact intervals of Clopper and Pearson [@clopper_1934]; patients"
        " who have not reached a week are left out of its denominator, and responses that wait for confirmation are"
        " counted apart. "
    )
    shrinks = f"by {settings['abscopal_decrease_percent']} % or more from its own baseline"
    if settings["abscopal_rule"] == "any_lesion":
        rates += f"An abscopal effect is the decrease of any lesion outside the field of ILDR {shrinks}"
    else:
        rates += f"An abscopal effect is the decrease of the sum of all lesions outside the field of ILDR {shrinks}"
    rates += ", seen again at a later scan" if settings["abscopal_confirmed"] else ""
    rates += ", in a patient without progression." if settings["abscopal_without_pd"] else "."
    if settings["simon"]:
        simon = settings["simon"]
        rates += (
            f" The response rate is held against Simon's two-stage designs [@simon_1989] for p0 {simon['p0']:g}, p1"
            f" {simon['p1']:g}, type I error {simon['alpha']:g} and power {simon['power']:g}."
        )
    times = (
        f"PFS2 runs from ILDR to {PFS2_EVENTS[settings['pfs2_event']]} or death; cancer-specific survival counts a"
        f" death of unknown cause as {'from' if settings['css_unknown'] == 'cancer' else 'not from'} cancer. Survival"
        " was estimated by Kaplan and Meier [@kaplan_1958] with log-log intervals, death from cancer beside other"
        " deaths by the cumulative incidence of Aalen and Johansen [@aalen_1978]. The table"
        " `clinical/label_sensitivity.tsv` lists the patients whose label changes under each other choice."
    )
    paragraphs = [response, rates, times]
    if facts.run["adverse_events"]:
        paragraphs.append(
            "Adverse events are graded by CTCAE 5.0 [@ctcae_2017]; each patient counts once per row, with the worst"
            " grade, among all patients who received ILDR."
        )
    return Section("Clinical outcomes", paragraphs)
