"""Prediction of response: everything fitted inside folds of patients, judged against permuted labels."""
