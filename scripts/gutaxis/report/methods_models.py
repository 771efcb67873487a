"""Methods text: what the layers say together, and prediction."""

from gutaxis.report.methods_facts import Facts, Section, code, listing, number, percent

MODELS = {
    "elastic_net": "elastic-net logistic regression [@zou_2005]",
    "random_forest": "random forests [@breiman_2001]",
}
FUSIONS = {"early": "features side by side in one model", "late": "a weighted mean of the layers' probabilities"}
SCHEMES = {
    "nested_cv": "nested cross-validation",
    "leave_one_cohort_out": "leaving one cohort out",
    "leave_one_batch_out": "leaving one batch out",
}


def models(facts: Facts) -> list[Section]:
    """Return the sections on integration, evidence and prediction that the run has."""
    sections = [integration(facts)] if len(facts.run["integrated"]) > 1 else []
    sections += [evidence(facts)] if facts.run["layers"] else []
    return sections + ([prediction(facts)] if facts.run["predicting"] else [])


def integration(facts: Facts) -> Section:
    """Return associations, factors, modules and chains."""
    chosen = facts.config["integration"]
    states = listing(chosen["states"])
    pairs = (
        f"All of this is exploratory. Layers ({code(facts.run['integrated'])}) were joined by patient ({states}). Pairs"
        " of features of two layers were tested by partial rank correlation, adjusted for cohort and covariates, with"
        f" {chosen['associations']['permutations']:,} permutations of whole patients within cohorts and intervals of"
        " Bonett and Wright [@bonett_2000]; correlated features of a layer were joined to clusters, so that they count"
        " once. Over all pairs of layers, families were selected first [@benjamini_2014; @simes_1986]."
    )
    factors, modules, chains = chosen["factors"], chosen["modules"], chosen["mediation"]
    together = (
        f"Up to {factors['factors']} factors over all layers were fitted with MOFA [@argelaguet_2018; @argelaguet_2020]"
        f" ({facts.tool('mofapy2')}), their stability by {factors['seeds']} starts and by leaving patients out. Modules"
        " that go with response were found by sparse generalised canonical correlation [@tenenhaus_2014] on"
        f" {modules['repeats']} subsamples of {percent(modules['share'])} of the patients, features chosen together in"
        f" {percent(modules['consensus'])} of them or more [@muller_2024], each against {modules['shuffles']} shuffles"
        " of the response."
    )
    chain = (
        "Chains of species, metabolite, immune subset and response were tested by joint significance of their arrows in"
        f" linear models of normal scores, with {chains['interval'].replace('_', '-')} bootstrap intervals"
        f" ({chains['bootstrap']:,} resamples of patients). Other orders of the same features stand beside: partial"
        " correlations have no direction, and no chain is shown to be a mechanism."
    )
    panel = {name: features for name, features in chains["panel"].items() if features}
    if panel:
        declared = listing(
            f"{number(len(features), 'entry', 'entries')} of `{name}`" for name, features in panel.items()
        )
        chain += f" The features of the chain were declared in the config ({declared})."
    else:
        chain += f" At most {chains['panel_size']} features of a layer entered, chosen without looking at any outcome."
    return Section("Integration", [pairs, together, chain])


def evidence(facts: Facts) -> Section:
    """Return how findings are called weak, moderate or strong."""
    rules = facts.config["integration"]["evidence"]
    text = (
        "Evidence for a feature is called weak, moderate or strong by fixed rules. Tables were selected before features"
        f" [@benjamini_2014]; weak needs a discovery at {facts.config['statistics']['fdr']:g}, moderate one at"
        f" {rules['strict_fdr']:g} with {rules['patients']} patients, {rules['per_group']} in each group, and an"
        f" agreement of {rules['agreement']:g} of the sensitivity analyses; strong {rules['strong_patients']} patients,"
        f" {rules['strong_per_group']} in each group, an agreement of {rules['strong_agreement']:g} and"
        f" {number(rules['support'], 'kind')} of support from elsewhere. Strong means strong within this study."
    )
    return Section("Evidence", [text])


def prediction(facts: Facts) -> Section:
    """Return models, schemes, intervals, shuffled outcomes."""
    chosen, layers = facts.config["prediction"], facts.run["predicting"]
    # PFS2 is known where it was derived from measurements
    survival = chosen["survival"] and facts.run["recist"]
    text = (
        f"{'Response and PFS2 were' if survival else 'Response was'} predicted from {code(layers)}"
        f" ({listing(chosen['states'])}) by {listing(MODELS[name] for name in chosen['models'])}"
    )
    text += ", PFS2 by Cox models [@cox_1972] with a ridge penalty" if survival else ""
    if chosen["fusion"] and len(layers) > 1:
        text += f"; layers were also joined, as {listing(FUSIONS[name] for name in chosen['fusion'])}"
    text += (
        f". Patients were held out by {listing(SCHEMES[name] for name in chosen['schemes'])} ({chosen['folds']} outer"
        f" folds, {chosen['repeats']} repeats, {chosen['inner_folds']} inner folds). Filters, stand-ins for zeros and"
        f" gaps, scaling, choice of features (the {chosen['screen']} with the largest t statistic) and penalties were"
        f" learned inside the training patients ({facts.tool('scikit-learn')}) [@pedregosa_2011]; all samples of a"
        " patient were in one fold."
    )
    judged = f"Discrimination is the AUC{', for PFS2 the concordance of Harrell [@harrell_1982],' if survival else ''}"
    judged += (
        " over pairs of patients scored by the same model [@airola_2011], with intervals after DeLong [@delong_1988],"
        f" widened where shuffled runs vary more. The whole procedure was repeated on {chosen['permutations']} shuffles"
        " of the outcome within cohorts. The stability of chosen features is the index of Nogueira [@nogueira_2018]."
    )
    if chosen["clinical"]:
        columns = listing(f"`{name}`" for name in chosen["clinical"])
        judged += f" Layers are compared with a model of clinical columns ({columns}, as far as the sheets have them)."
    return Section("Prediction", [text, judged])
