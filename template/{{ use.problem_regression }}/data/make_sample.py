"""Make the sample: deliveries in a city, and how many minutes each one took.

The rows are invented, but shaped like real ones: missing values, a column that is known only
afterwards, an outcome that is worth money. The same seed gives the same bytes.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED, ROWS, MONTHS = 20260101, 6000, 18
FILE = Path(__file__).with_name("sample.csv")

VEHICLES = {"bicycle": 0.4, "scooter": 0.35, "car": 0.25}
PACE = {"bicycle": 4.2, "scooter": 2.9, "car": 2.6}  # minutes per km
ZONES = {"centre": 0.35, "north": 0.2, "south": 0.25, "harbour": 0.2}
WEATHER = {"dry": 0.68, "rain": 0.27, "snow": 0.05}
EMPLOYMENT = {"employed": 0.5, "freelance": 0.5}
NOTES = ("no one at home", "wrong address", "road closed")


def make(rows: int = ROWS, seed: int = SEED) -> pd.DataFrame:
    """Deliveries at the moment the courier sets off, oldest first; one row each."""
    rng = np.random.default_rng(seed)

    def pick(shares: dict[str, float]) -> np.ndarray:
        return rng.choice(list(shares), rows, p=list(shares.values()))

    days = np.datetime64("2024-07-01") + np.sort(rng.integers(0, MONTHS * 30, rows))
    noon, evening = rng.normal(12.5, 1.0, rows), rng.normal(19.0, 1.5, rows)
    hour = np.where(rng.random(rows) < 0.4, noon, evening).clip(8, 22)
    ordered_at = days.astype("datetime64[m]") + (hour * 60).astype("timedelta64[m]")
    prepared = np.round(rng.gamma(4.0, 4.0, rows), 1).clip(2.0, 60.0)
    sets_off_at = ordered_at + prepared.astype("timedelta64[m]")

    vehicle, zone, weather = pick(VEHICLES), pick(ZONES), pick(WEATHER)
    distance = np.round(rng.gamma(3.0, 1.1, rows), 2).clip(0.2, 15.0)
    items = 1 + np.minimum(rng.poisson(2.0, rows), 20)
    rating = np.round(rng.beta(8, 2, rows) * 4 + 1, 1)
    months = np.minimum(rng.geometric(0.06, rows), 96)
    open_orders = np.minimum(rng.poisson(3 + 9 * np.exp(-((hour - 19) ** 2) / 3)), 60)
    express = rng.random(rows) < 0.2
    lift = rng.random(rows) < 0.55
    floor = rng.integers(0, 8, rows)
    degrees = np.where(weather == "snow", rng.normal(-2, 2, rows), rng.normal(13, 7, rows))
    temperature = np.round(degrees, 1).clip(-15, 38)
    weekend = (days.astype(int) + 3) % 7 >= 5

    rush = 1 + 0.35 * np.exp(-((hour - 18) ** 2) / 2) * ~weekend
    slow = np.select([weather == "snow", weather == "rain"], [1.5, 1.15], 1.0)
    pace = np.array([PACE[name] for name in vehicle])
    pace = pace * np.where(vehicle == "car", rush, 1 + (rush - 1) / 3)
    pace = pace * np.where(vehicle == "car", 1 + (slow - 1) / 2, slow)
    minutes = (
        4
        + distance * pace * np.where(zone == "centre", 1.2, 1.0)
        + 1.1 * floor * np.where(lift, 0.3, 1.0)
        + 0.5 * open_orders * np.where(express, 0.3, 1.0)
        + 0.5 * items
        - 1.2 * (rating - 4)
        - 0.02 * months
        + rng.normal(0, 2.2, rows)
    ) * np.exp(rng.normal(0, 0.12, rows))
    minutes = np.round(minutes.clip(3, 120), 1)
    trouble = rng.random(rows) < 0.04 + 0.2 * (minutes > 45)

    frame = pd.DataFrame(
        {
            "delivery_id": [f"D{number:06d}" for number in rng.permutation(rows) + 1],
            "sets_off_at": sets_off_at,
            "ordered_at": ordered_at,
            "vehicle": vehicle,
            "zone": zone,
            "weather": weather,
            "distance_km": distance,
            "items": items,
            "express": express,
            "open_orders": open_orders,
            "floor": floor,
            "lift": lift,
            "courier_rating": rating,
            "courier_months": months,
            "temperature": temperature,
            "employment": pick(EMPLOYMENT),
            "courier_phone": [f"+4360{number:08d}" for number in rng.integers(0, 10**8, rows)],
            "minutes": minutes,
            "trouble": np.where(trouble, rng.choice(NOTES, rows), None),
            "tip": np.round((rng.gamma(1.5, 2.0, rows) - 0.06 * minutes).clip(0), 1),
        }
    ).sort_values(["sets_off_at", "delivery_id"], ignore_index=True)
    for column, share in {
        "weather": 0.03,
        "floor": 0.15,
        "lift": 0.2,
        "courier_rating": 0.08,
        "temperature": 0.03,
        "employment": 0.01,
    }.items():
        frame[column] = frame[column].astype(object).mask(rng.random(rows) < share, None)
    return frame


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    make().to_csv(target, index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")
