"""
Classify a table with categories, dates and missing values
==========================================================

Encode a DataFrame by column or with skrub, and compare the net with other classifiers.

This tutorial predicts which hotel bookings are cancelled. A
`~sklearn.compose.ColumnTransformer` defines the preprocessing of each column; skrub chooses it by
the types of the columns. Finally we compare the net with gradient boosting and logistic regression.

This example also needs skrub and polars: ``pip install skrub polars``.
"""

# %%
# The data
# --------
#
# The bookings are generated, so we know what can be learned from them. Most cancelled bookings were
# made long in advance and without a deposit. There are more cancellations in summer, guests from
# nearby cancel less often, and some cancellations are due to chance. Some prices and cities are
# missing, and bookings without a price are cancelled more often.

import os
import textwrap
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import skrub
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skclf import BinaryDenseClassifier

QUICK = os.environ.get("SKCLF_QUICK") == "1"
CITIES = ["Bergen", "Cork", "Ghent", "Graz", "Lund", "Porto", "Turku", "Vilnius"]


def make_bookings(n_rows, seed):
    """A DataFrame of bookings, and whether each of them is cancelled."""
    rng = np.random.default_rng(seed)
    days_ahead = rng.gamma(1.5, 40, n_rows).round()
    arrival = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365, n_rows), unit="D")
    room = rng.choice(["single", "double", "suite"], n_rows, p=[0.3, 0.55, 0.15])
    city = rng.choice(CITIES, n_rows)
    deposit = rng.choice(["none", "half", "all"], n_rows, p=[0.6, 0.25, 0.15])
    price = rng.normal(np.select([room == "single", room == "double"], [80, 110], 220), 15)
    is_summer = arrival.month.isin([6, 7, 8])
    near = np.isin(city, CITIES[:3])
    score = np.select([deposit == "none", deposit == "half"], [0.6, -1.2], -3.0)
    score += np.where(deposit == "none", 1.6 * np.log1p(days_ahead / 30) - 1.6, 0)
    score += 0.9 * (is_summer & ~near) - 0.8 * near
    score += 1.2 * ((room == "suite") & (price > 225))
    has_no_price = rng.random(n_rows) < 0.06
    score += 1.5 * has_no_price
    cancelled = rng.random(n_rows) < 1 / (1 + np.exp(-1.5 * score))
    frame = pd.DataFrame(
        {
            "booked": arrival - pd.to_timedelta(days_ahead, unit="D"),
            "arrival": arrival,
            "room": room,
            "city": np.where(rng.random(n_rows) < 0.04, None, city),
            "deposit": deposit,
            "guests": rng.integers(1, 5, n_rows),
            "price": np.where(has_no_price, np.nan, price.round(2)),
        }
    )
    return frame, np.where(cancelled, "cancelled", "kept")


bookings, outcome = make_bookings(3_000 if QUICK else 12_000, seed=0)
X_train, X_test, y_train, y_test = train_test_split(
    bookings, outcome, test_size=0.25, stratify=outcome, random_state=0
)
print(f"{(y_train == 'cancelled').mean():.0%} of the bookings are cancelled.")
X_train.head()

# %%
# A net can't use strings or missing values. The error says what to do:


def make_net():
    """A net with early stopping."""
    return BinaryDenseClassifier(
        (64, 64),
        optimizer="adam",
        epochs=100,
        batch_size=128,
        validation_split=0.2,
        patience=8,
        random_state=0,
    )


try:
    make_net().fit(X_train.drop(columns=["booked", "arrival"]), y_train)
except ValueError as error:
    print(textwrap.fill(str(error), 80))

# %%
# Column by column
# ----------------
#
# A `~sklearn.compose.ColumnTransformer` applies a transformer to each kind of column. Categories
# become columns of zeros and ones, with one column for missing values. A category that did not
# occur in training becomes zeros. Missing prices are imputed, and another column marks them. From
# the two dates we compute the days in between, and the day of the year as a point on a circle, so
# that December is next to January. Numbers are scaled last, since nets train best on values between
# about -1 and 1.


def about_dates(frame):
    """Days from booking to arrival, and the season of the arrival."""
    angle = 2 * np.pi * frame["arrival"].dt.day_of_year / 365
    return pd.DataFrame(
        {
            "days_ahead": np.log1p((frame["arrival"] - frame["booked"]).dt.days.clip(0)),
            "season_x": np.cos(angle),
            "season_y": np.sin(angle),
        }
    )


columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["room", "city", "deposit"]),
    (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["price"]),
    (StandardScaler(), ["guests"]),
    (make_pipeline(FunctionTransformer(about_dates), StandardScaler()), ["booked", "arrival"]),
)
by_hand = make_pipeline(columns, make_net()).fit(X_train, y_train)
print(f"Accuracy with a ColumnTransformer: {by_hand.score(X_test, y_test):.3f}")
print(f"Best epoch: {by_hand[-1].best_epoch_} of {len(by_hand[-1].history_)}")

# %%
# With skrub
# ----------
#
# ``skrub.tabular_pipeline`` chooses encoders, an imputer and a scaler by the types of the columns.
# We add the days between the two dates as a column.


def with_days_ahead(frame):
    """The frame with the days from booking to arrival."""
    return frame.assign(days_ahead=(frame["arrival"] - frame["booked"]).dt.days)


by_skrub = make_pipeline(FunctionTransformer(with_days_ahead), skrub.tabular_pipeline(make_net()))
by_skrub.fit(X_train, y_train)
print(f"Accuracy with skrub: {by_skrub.score(X_test, y_test):.3f}")

# %%
# The same works with polars: skrub's encoders return the same kind of frame as their input, and the
# net accepts both.


def to_polars(frame):
    """A polars frame with the same values; missing values become null."""
    return pl.DataFrame(
        {
            name: column.astype(object).where(column.notna(), None).tolist()
            for name, column in frame.items()
        }
    )


def with_days_ahead_by_polars(frame):
    """The polars frame with the days from booking to arrival."""
    days = (pl.col("arrival") - pl.col("booked")).dt.total_days()
    return frame.with_columns(days_ahead=days)


by_polars = make_pipeline(
    FunctionTransformer(with_days_ahead_by_polars), skrub.tabular_pipeline(make_net())
)
by_polars.fit(to_polars(X_train), y_train)
print(f"Accuracy with polars: {by_polars.score(to_polars(X_test), y_test):.3f}")

# %%
# Comparison with other classifiers
# ---------------------------------
#
# `~sklearn.ensemble.HistGradientBoostingClassifier` is a strong baseline for tables: it does not
# need scaling, supports categories and missing values, and trains quickly. Logistic regression is a
# linear baseline.

classifiers = {
    "net, ColumnTransformer": by_hand,
    "net, skrub": by_skrub,
    "gradient boosting": make_pipeline(
        FunctionTransformer(with_days_ahead),
        skrub.tabular_pipeline(HistGradientBoostingClassifier(random_state=0)),
    ),
    "logistic regression": make_pipeline(columns, LogisticRegression(max_iter=1000)),
}
rows = {}
for name, classifier in classifiers.items():
    start = time.perf_counter()
    classifier.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    probabilities = classifier.predict_proba(X_test)
    rows[name] = {
        "accuracy": accuracy_score(y_test, classifier.predict(X_test)),
        "log-loss": log_loss(y_test, probabilities),
        "ROC AUC": roc_auc_score(y_test == "kept", probabilities[:, 1]),
        "fit (s)": seconds,
    }
pd.DataFrame(rows).T.round(3)

# %%
# Important columns
# -----------------
#
# `~sklearn.inspection.permutation_importance` shuffles one column of the original table at a time,
# and measures how much the accuracy of the whole pipeline falls.

importance = permutation_importance(
    by_hand, X_test, y_test, n_repeats=3 if QUICK else 10, random_state=0
)
order = np.argsort(importance.importances_mean)
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.barh(
    X_test.columns[order],
    importance.importances_mean[order],
    xerr=importance.importances_std[order],
    color="C0",
)
ax.set(xlabel="loss of accuracy when shuffled", title="Permutation importance")
if folder := os.environ.get("SKCLF_PLOTS"):
    figure.savefig(f"{folder}/tables.png")
plt.show()

# %%
# .. rubric:: What to take away
#
# - Encode, impute and scale the columns in a pipeline with the net.
# - Compare the net with gradient boosting, and use it only if it is better.
# - `~sklearn.impute.SimpleImputer` with ``add_indicator=True`` adds columns that mark missing
#   values, which can be informative.
