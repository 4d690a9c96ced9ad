"""The market: makes and models, what a new one costs and how often it is sold, and the words.

Prices are rough prices of a new car in thousands of euros, shares are rough frequencies on a used
car market: real enough for a demonstration, and no source of facts about any maker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.types import Float64Array

__all__ = [
    "BODIES",
    "COLOURS",
    "COLOUR_SHARES",
    "EXTRAS",
    "FUELS",
    "FUEL_MIXES",
    "GEARS",
    "MAKES",
    "MODELS",
    "PLACES",
    "TRADES",
    "TRIMS",
    "CarModel",
    "shares",
]

BODIES: Final = (
    "hatchback", "saloon", "estate", "SUV", "coupe", "convertible", "MPV", "van", "pickup",
)  # fmt: skip
FUELS: Final = ("petrol", "diesel", "hybrid", "plug-in hybrid", "electric", "LPG")
GEARS: Final = ("manual", "automatic")
COLOURS: Final = (
    "black", "white", "grey", "silver", "blue", "red", "green", "brown", "beige", "orange",
    "yellow", "purple",
)  # fmt: skip
COLOUR_SHARES: Final = (20, 18, 18, 14, 12, 8, 3, 2, 2, 1.5, 1, 0.5)
TRIMS: Final = ("Classic", "Style", "Comfort", "Sport", "Executive", "Signature")  # dearer and up
EXTRAS: Final = (
    "one owner", "full service history", "panoramic roof", "tow bar", "heated seats",
    "navigation", "two years of warranty", "sport suspension",
)  # fmt: skip
PLACES: Final = (
    "Northgate", "Riverside", "Hilltop", "Old Town", "Station", "Lakeside", "Parkway", "Harbour",
    "Airport", "Castle", "Mill Lane", "Westend", "Eastfield", "Kingsway", "Bridge Street",
    "Market Square", "Greenfield", "Forest", "Canal", "Southbank",
)  # fmt: skip
TRADES: Final = ("Motors", "Cars", "Automobiles", "Car Centre", "Auto House", "Garage")
FUEL_MIXES: Final = {  # of FUELS, by the letter in the table below
    "p": (78, 12, 6, 2, 0, 2),
    "d": (28, 60, 6, 5, 0, 1),
    "m": (48, 32, 10, 9, 0, 1),
    "h": (30, 3, 55, 12, 0, 0),
    "e": (0, 0, 0, 0, 100, 0),
}

# model, body, price of a new one in thousands of euros, share, seats, fuel mix
_TABLE: Final = """
Volkswagen: Golf,hatchback,30,100,5,m; Polo,hatchback,22,55,5,p; Passat,estate,42,50,5,d;
  Tiguan,SUV,38,50,5,m; up!,hatchback,15,20,4,p; Touran,MPV,36,25,7,d; ID.3,hatchback,38,12,5,e;
  T-Roc,SUV,32,30,5,p; Transporter,van,45,20,6,d
Opel: Corsa,hatchback,20,45,5,p; Astra,hatchback,27,45,5,m; Insignia,estate,36,22,5,d;
  Mokka,SUV,27,20,5,p; Zafira,MPV,30,14,7,d; Adam,hatchback,17,10,4,p
Ford: Fiesta,hatchback,20,55,5,p; Focus,hatchback,27,50,5,m; Kuga,SUV,36,32,5,m;
  Mondeo,estate,37,20,5,d; Puma,SUV,28,18,5,p; Mustang,coupe,55,5,4,p; Ranger,pickup,45,6,5,d;
  Transit,van,42,14,3,d
BMW: 3 Series,saloon,48,45,5,d; 1 Series,hatchback,34,32,5,m; 5 Series,estate,62,28,5,d;
  X1,SUV,43,22,5,m; X3,SUV,58,18,5,d; X5,SUV,85,12,5,d; 4 Series,coupe,56,10,4,p;
  Z4,convertible,55,4,2,p; i3,hatchback,40,5,4,e
Mercedes-Benz: C-Class,saloon,48,42,5,d; A-Class,hatchback,36,38,5,m; E-Class,saloon,60,26,5,d;
  GLC,SUV,58,18,5,d; B-Class,MPV,37,14,5,m; SLK,convertible,48,5,2,p; Vito,van,48,10,8,d;
  EQA,SUV,52,5,5,e
Audi: A3,hatchback,35,36,5,m; A4,estate,45,38,5,d; A6,estate,60,22,5,d; Q3,SUV,42,18,5,m;
  Q5,SUV,56,16,5,d; A1,hatchback,26,14,5,p; TT,coupe,50,6,4,p; e-tron,SUV,80,4,5,e
Skoda: Octavia,estate,31,40,5,d; Fabia,hatchback,19,32,5,p; Superb,estate,40,20,5,d;
  Kodiaq,SUV,42,14,7,d; Karoq,SUV,33,14,5,m; Enyaq,SUV,48,4,5,e
Seat: Leon,hatchback,27,28,5,m; Ibiza,hatchback,19,28,5,p; Ateca,SUV,32,14,5,m;
  Alhambra,MPV,40,7,7,d
Renault: Clio,hatchback,19,32,5,p; Megane,estate,28,20,5,m; Captur,SUV,25,20,5,p;
  Twingo,hatchback,14,16,4,p; Scenic,MPV,30,10,7,d; Zoe,hatchback,33,8,5,e; Kangoo,van,27,8,5,d
Peugeot: 208,hatchback,20,24,5,p; 308,estate,29,18,5,m; 3008,SUV,37,16,5,m; 2008,SUV,27,14,5,p;
  5008,SUV,41,7,7,d; Boxer,van,38,5,3,d
Citroen: C3,hatchback,18,18,5,p; C1,hatchback,13,10,4,p; C4,hatchback,26,11,5,m;
  Berlingo,MPV,27,10,5,d; C5 Aircross,SUV,35,6,5,m
Fiat: 500,hatchback,17,28,4,p; Panda,hatchback,15,16,4,p; Tipo,estate,22,8,5,m;
  Ducato,van,40,8,3,d; 500e,hatchback,31,4,4,e
Toyota: Yaris,hatchback,22,24,5,h; Corolla,estate,31,16,5,h; RAV4,SUV,42,13,5,h;
  C-HR,SUV,33,10,5,h; Aygo,hatchback,15,12,4,p; Prius,saloon,36,5,5,h; Hilux,pickup,46,5,5,d;
  Land Cruiser,SUV,68,3,7,d
Hyundai: i20,hatchback,20,18,5,p; i30,hatchback,27,20,5,m; Tucson,SUV,36,18,5,m;
  i10,hatchback,15,15,5,p; Kona,SUV,29,10,5,m; Ioniq 5,SUV,48,4,5,e
Kia: Ceed,estate,27,16,5,m; Picanto,hatchback,15,12,5,p; Sportage,SUV,36,16,5,m;
  Rio,hatchback,19,10,5,p; Niro,SUV,34,7,5,h; EV6,SUV,52,3,5,e; Sorento,SUV,52,4,7,d
Mazda: 3,hatchback,28,12,5,p; CX-5,SUV,36,13,5,m; 2,hatchback,19,9,5,p;
  MX-5,convertible,32,6,2,p; 6,estate,36,7,5,d
Nissan: Qashqai,SUV,33,22,5,m; Juke,SUV,25,13,5,p; Micra,hatchback,18,13,5,p;
  X-Trail,SUV,40,7,7,d; Leaf,hatchback,36,5,5,e; Navara,pickup,42,3,5,d
Volvo: V60,estate,47,9,5,d; XC60,SUV,60,11,5,d; V40,hatchback,32,9,5,d; XC40,SUV,44,9,5,m;
  XC90,SUV,80,5,7,d; V90,estate,62,4,5,d
Mini: Cooper,hatchback,27,20,4,p; Countryman,SUV,36,9,5,m; Clubman,estate,32,6,5,p;
  Cabrio,convertible,32,5,4,p
Dacia: Sandero,hatchback,13,14,5,p; Duster,SUV,20,14,5,m; Logan,estate,13,6,5,p;
  Spring,hatchback,20,3,4,e
Suzuki: Swift,hatchback,18,11,5,p; Vitara,SUV,26,9,5,h; Ignis,hatchback,17,5,4,h;
  Jimny,SUV,25,2,4,p
Honda: Civic,hatchback,30,9,5,h; Jazz,hatchback,23,8,5,h; CR-V,SUV,42,6,5,h; HR-V,SUV,31,4,5,h
Porsche: 911,coupe,130,5,4,p; Cayenne,SUV,95,5,5,m; Macan,SUV,70,6,5,p;
  Boxster,convertible,68,4,2,p; Panamera,saloon,110,2,4,m; Taycan,saloon,110,2,4,e
Tesla: Model 3,saloon,50,8,5,e; Model Y,SUV,55,6,5,e; Model S,saloon,100,2,5,e
Land Rover: Range Rover Evoque,SUV,52,6,5,d; Discovery,SUV,72,4,7,d; Defender,SUV,68,3,5,d
Jaguar: XE,saloon,46,3,5,d; F-Pace,SUV,60,3,5,d; F-Type,coupe,82,2,2,p
Alfa Romeo: Giulietta,hatchback,28,5,5,p; Giulia,saloon,46,3,5,p; Stelvio,SUV,55,3,5,d
"""


@dataclass(frozen=True, slots=True)
class CarModel:
    """One model of the market.

    Attributes:
        make: Such as `BMW`.
        name: Such as `3 Series`.
        body: One of `BODIES`.
        new_price: Of a new one, euros.
        share: How often it is sold, relative to the others.
        seats: Number of seats.
        fuel_mix: A key of `FUEL_MIXES`.
    """

    make: str
    name: str
    body: str
    new_price: float
    share: float
    seats: int
    fuel_mix: str


def _models() -> tuple[CarModel, ...]:
    found = []
    for line in _TABLE.replace("\n  ", " ").strip().splitlines():
        make, rows = line.split(": ", 1)
        for row in rows.split(";"):
            name, body, price, share, seats, mix = row.strip().split(",")
            found.append(
                CarModel(make, name, body, 1000 * float(price), float(share), int(seats), mix)
            )
    return tuple(found)


MODELS: Final = _models()
MAKES: Final = tuple(dict.fromkeys(model.make for model in MODELS))


def shares(weights: tuple[float, ...]) -> Float64Array:
    """(n,) float64, adding up to 1."""
    given = np.array(weights, np.float64)
    return np.asarray(given / given.sum())
