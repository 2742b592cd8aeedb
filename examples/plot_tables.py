"""
A table with categories, dates and missing values
==================================================

Nets want numbers, all of about the same size. Tables have cities, dates and gaps. This tutorial
takes a DataFrame of hotel bookings and predicts which ones are cancelled: first with a
`~sklearn.compose.ColumnTransformer` that says for each column what is done with it, then with a
single call of skrub, which looks at the columns itself. At the end the net stands beside two
classifiers that many would try first.

It needs skrub and polars besides the examples' packages: ``pip install skrub polars``.
"""

# %%
# The data
# --------
#
# The bookings are made up, so that we know what can be learnt from them: most cancellations are of
# rooms booked long ahead and without a deposit, more of them in summer; guests from nearby cancel
# less. Part of it is chance. Prices and cities are missing here and there, and a missing price is a
# sign in itself: such bookings are cancelled more often.

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
print(X_train.head())
print(f"\n{(y_train == 'cancelled').mean():.0%} of the bookings are cancelled.")

# %%
# Passed as it is, the frame is refused, and the error says what to do:


def make_net():
    """A net that stops when held-out rows say so."""
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
# A `~sklearn.compose.ColumnTransformer` names what each kind of column needs. Categories become
# columns of zeros and ones, one of them for a missing value; a category that did not occur in
# training becomes zeros. The price gets its gaps filled, and a column that says where they were.
# Of the two dates we make what matters about them: the days in between, and the day of the year as
# a point on a circle, so that December lies beside January. Numbers are scaled last, since nets
# learn best from values of about 1.


def about_dates(frame):
    """Days from booking to arrival, and the arrival's place in the year."""
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
print(f"Accuracy by columns: {by_hand.score(X_test, y_test):.3f}")
print(f"Best epoch: {by_hand[-1].best_epoch_} of {len(by_hand[-1].history_)}")

# %%
# In one call
# -----------
#
# ``skrub.tabular_pipeline`` looks at the columns and chooses encoders, an imputer and a scaler that
# suit a classifier without support for categories and missing values. It can't know that the days
# between the two dates matter, so we add that column.


def with_days_ahead(frame):
    """The frame with the days from booking to arrival."""
    return frame.assign(days_ahead=(frame["arrival"] - frame["booked"]).dt.days)


by_skrub = make_pipeline(FunctionTransformer(with_days_ahead), skrub.tabular_pipeline(make_net()))
by_skrub.fit(X_train, y_train)
print(f"Accuracy by skrub: {by_skrub.score(X_test, y_test):.3f}")

# %%
# The same works with polars: skrub's encoders give back the kind of frame that they get, and the
# net takes either.


def to_polars(frame):
    """A polars frame with the same values; what is missing becomes null."""
    return pl.DataFrame(
        {
            name: column.astype(object).where(column.notna(), None).tolist()
            for name, column in frame.items()
        }
    )


def with_days_ahead_by_polars(frame):
    """The same for a polars frame."""
    days = (pl.col("arrival") - pl.col("booked")).dt.total_days()
    return frame.with_columns(days_ahead=days)


by_polars = make_pipeline(
    FunctionTransformer(with_days_ahead_by_polars), skrub.tabular_pipeline(make_net())
)
by_polars.fit(to_polars(X_train), y_train)
print(f"Accuracy by polars: {by_polars.score(to_polars(X_test), y_test):.3f}")

# %%
# Beside others
# -------------
#
# `~sklearn.ensemble.HistGradientBoostingClassifier` is what a net on a table has to be measured by:
# it needs no scaling, copes with categories and gaps, and trains in a second. Logistic regression
# shows how far a straight line goes.

classifiers = {
    "net, by columns": by_hand,
    "net, by skrub": by_skrub,
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
print(pd.DataFrame(rows).T.round(3))

# %%
# Which columns matter
# --------------------
#
# `~sklearn.inspection.permutation_importance` shuffles one column of the raw frame at a time, and
# measures how much the accuracy suffers. It sees the pipeline as a whole, so that the columns are
# those of the table and not those that encoders have made of them.

importance = permutation_importance(
    by_hand, X_test, y_test, n_repeats=3 if QUICK else 10, random_state=0
)
order = np.argsort(importance.importances_mean)
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.barh(
    X_test.columns[order],
    importance.importances_mean[order],
    xerr=importance.importances_std[order],
    color="C0",
)
ax.set(xlabel="loss of accuracy when shuffled", title="What the net goes by")
plt.show()

# %%
# .. rubric:: What to take away
#
# - A net on a table is a pipeline: encode, fill in, scale, then train.
# - Measure it beside gradient boosting. Where the net isn't better, take the simpler one.
# - `~sklearn.impute.SimpleImputer` with ``add_indicator=True`` keeps the fact that a value was
#   missing, which can be worth more than the value.
