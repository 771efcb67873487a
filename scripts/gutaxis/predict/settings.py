"""What a prediction is made with: one value object, so that observed runs and shuffled runs cannot differ."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

NESTED, COHORT_OUT, BATCH_OUT = "nested_cv", "leave_one_cohort_out", "leave_one_batch_out"
SCHEMES = (NESTED, COHORT_OUT, BATCH_OUT)
ELASTIC_NET, RANDOM_FOREST, RIDGE_COX = "elastic_net", "random_forest", "ridge_cox"
EARLY, LATE, CLINICAL = "early", "late", "clinical"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices of a prediction; each is a config key.

    Parameters
    ----------
    state
        baseline, post or change: what is known of a patient.
    models
        elastic_net (default) and random_forest. A forest costs about 30 times as much.
    fusion
        early (blocks side by side in one model) and late (weighted mean of the layers' probabilities).
    clinical
        Columns of ``obs`` of the clinical-only baseline; those that no layer carries are left out.
    schemes
        nested_cv, leave_one_cohort_out, leave_one_batch_out.
    folds, repeats, inner_folds
        Of the outer and the inner cross-validation.
    permutations
        Shuffled runs of the whole procedure.
    bootstrap
        Resamples of patients for the bootstrap interval.
    prevalence, max_missing, max_features, screen
        Learned in the training folds: least share of samples above zero (compositions, counts), largest share of
        missing values (other kinds), number of most variable features that are kept, and of those with the largest
        absolute t statistic that reach the model (elastic net).
    min_responders
        Fewest responders, and fewest non-responders, of an analysis; also the fewest events of PFS2.
    survival
        Whether PFS2 is modelled, by ridge Cox regression.
    """

    state: str = "baseline"
    models: tuple[str, ...] = (ELASTIC_NET,)
    fusion: tuple[str, ...] = (EARLY, LATE)
    clinical: tuple[str, ...] = ("cohort", "age", "sex", "antibiotics", "ppi", "ecog", "prior_lines", "liver_mets")
    schemes: tuple[str, ...] = SCHEMES
    folds: int = 5
    repeats: int = 5
    inner_folds: int = 3
    permutations: int = 200
    bootstrap: int = 2000
    prevalence: float = 0.1
    max_missing: float = 0.5
    max_features: int = 1000
    screen: int = 100
    min_responders: int = 6
    survival: bool = True

    @classmethod
    def of(cls, *, settings: Mapping[str, Any]) -> "Settings":
        """Return settings from config values; lists become tuples.

        Raises
        ------
        ValueError
            For an unknown key or word.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        made = cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()})
        words = {"models": (ELASTIC_NET, RANDOM_FOREST), "fusion": (EARLY, LATE), "schemes": SCHEMES}
        for key, allowed in words.items():
            wrong = sorted(set(getattr(made, key)) - set(allowed))
            if wrong:
                raise ValueError(f"{key}={', '.join(wrong)}: {', '.join(allowed)}")
        return made
