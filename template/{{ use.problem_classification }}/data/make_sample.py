"""Make the sample: customers of a subscription service, and which of them left.

The rows are invented, but shaped like real ones: missing values, a column that is known only
afterwards, an outcome that is worth money. The same seed gives the same bytes.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED, ROWS, MONTHS = 20260101, 6000, 18
FILE = Path(__file__).with_name("sample.csv")

PLANS = {"basic": 9.9, "standard": 17.9, "premium": 29.9, "family": 36.9}
COUNTRIES = {"AT": 0.25, "CH": 0.15, "DE": 0.45, "LU": 0.15}
PAYMENTS = {"card": 0.4, "direct debit": 0.25, "transfer": 0.2, "wallet": 0.15}
AGES = {"under 35": 0.34, "35 to 54": 0.34, "55 and over": 0.32}
REASONS = ("too expensive", "moved away", "went to a competitor", "no longer needed")


def make(rows: int = ROWS, seed: int = SEED) -> pd.DataFrame:
    """Customers on the day their renewal came up, oldest first; one row each."""
    rng = np.random.default_rng(seed)

    def pick(shares: dict[str, float]) -> np.ndarray:
        return rng.choice(list(shares), rows, p=list(shares.values()))

    start, hours = np.datetime64("2024-07-01T00:00"), MONTHS * 30 * 24
    due_at = start + np.sort(rng.integers(0, hours, rows)).astype("timedelta64[h]")
    plan = rng.choice(list(PLANS), rows, p=[0.35, 0.35, 0.2, 0.1])
    payment, country, age = pick(PAYMENTS), pick(COUNTRIES), pick(AGES)
    tenure = np.minimum(rng.geometric(0.035, rows), 120)
    discount = rng.choice([0.0, 0.1, 0.25], rows, p=[0.6, 0.25, 0.15])
    fee = np.round(np.array([PLANS[name] for name in plan]) * (1 - discount), 2)
    auto_renewal = rng.random(rows) < 0.6
    newsletter = rng.random(rows) < 0.45
    tickets = np.minimum(rng.poisson(np.exp(rng.normal(0.0, 0.8, rows))), 40)
    happy = rng.normal(0.0, 1.0, rows)
    usage = np.round(np.exp(2.4 + 0.5 * happy + rng.normal(0.0, 0.6, rows)), 1).clip(0.0, 400.0)
    answer = 3.4 + 0.9 * happy - 0.25 * tickets + rng.normal(0.0, 0.6, rows)
    satisfaction = np.round(answer).clip(1, 5)
    # People who use the service for work log in on weekdays in the daytime, and stay.
    at_work = rng.random(rows) < 0.4
    weekday = np.where(at_work, rng.integers(0, 5, rows), rng.integers(0, 7, rows))
    hour = np.where(at_work, rng.integers(8, 18, rows), rng.integers(6, 24, rows))
    idle = np.minimum(rng.geometric(1 / (1 + 10 * np.exp(-0.5 * happy))), 90)
    week = (due_at - idle.astype("timedelta64[D]")).astype("datetime64[W]")
    monday = week.astype("datetime64[D]") - np.timedelta64(3 + 7, "D")  # numpy's begin on Thursday
    last_login = (
        monday.astype("datetime64[m]")
        + weekday.astype("timedelta64[D]")
        + hour.astype("timedelta64[h]")
        + rng.integers(0, 60, rows).astype("timedelta64[m]")
    )

    odds = (
        -0.35
        - 0.85 * np.log1p(tenure / 12)
        - 0.9 * auto_renewal
        + 0.5 * np.minimum(tickets, 6) * (plan != "family")
        - 0.045 * np.minimum(usage, 60)
        + 0.045 * np.minimum(idle, 40)
        + 0.03 * fee
        - 1.2 * discount / 0.25 * (plan != "basic")
        + 0.8 * (payment == "transfer")
        - 0.7 * at_work
        - 0.35 * (satisfaction - 3)
    )
    churned = rng.random(rows) < 1 / (1 + np.exp(-1.4 * odds))
    stayed_months = np.where(churned, 0, rng.integers(6, 13, rows))

    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number:06d}" for number in rng.permutation(rows) + 1],
            "renewal_due_at": due_at,
            "plan": plan,
            "monthly_fee": fee,
            "tenure_months": tenure,
            "country": country,
            "payment_method": payment,
            "auto_renewal": auto_renewal,
            "newsletter": newsletter,
            "usage_hours": usage,
            "support_tickets": tickets,
            "satisfaction": satisfaction.astype(int),
            "last_login": last_login,
            "age_group": age,
            "postcode": [f"{number:05d}" for number in rng.integers(1000, 99999, rows)],
            "churned": np.where(churned, "yes", "no"),
            "cancellation_reason": np.where(churned, rng.choice(REASONS, rows), None),
            "revenue_kept": np.round(fee * stayed_months, 2),
        }
    )
    for column, share in {
        "payment_method": 0.03,
        "newsletter": 0.05,
        "usage_hours": 0.06,
        "satisfaction": 0.35,
        "last_login": 0.02,
        "age_group": 0.01,
        "postcode": 0.02,
    }.items():
        frame[column] = frame[column].astype(object).mask(rng.random(rows) < share, None)
    return frame


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    make().to_csv(target, index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")
